"""A dataset: a manifest of JSON Lines beside its files, which says where each face lies and what is known of it.

The first line describes the dataset (`format`, `name`, `schema`, `attributes`), every further line one face. Files are
named relative to the manifest where they lie below its folder or beside it, else absolutely. Nothing is copied.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.files import replacing
from facesynth.core.labels import STANDARD, schema_named

T = TypeVar("T")

FORMAT = "facesynth-dataset-1"
IMPORT_AGAIN = "import the dataset again, with --force where that finds nothing new"
"""What mends a manifest whose files have other bytes by now."""
MANIFEST_NAME = "dataset.jsonl"
SIDES = ("train", "validation", "test")
_LONGEST_HEADER = 1 << 24
"""Characters of a manifest's first line: no more are read of a file that may be something else."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One face of a dataset.

    `name` is unique in it (a path without suffix, `/` between its parts). `split` names for each of the dataset's own
    divisions the side the face is on, such as {"official": "train"}. `attributes` are those that hold. `landmarks` are
    (x, y) in the image's pixels. `sha256` are of the files' bytes.
    """

    name: str
    image: Path
    sha256: str
    labels: Path | None = None
    labels_sha256: str | None = None
    identity: str | None = None
    attributes: tuple[str, ...] = ()
    split: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    landmarks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What holds for all of a dataset: its name, its label maps' order of ids, the attributes that were judged."""

    name: str
    schema: str = STANDARD
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset's manifest on disk. Going through it reads line by line and holds no rows."""

    path: Path
    about: Description

    @classmethod
    def open(cls, path: Path) -> Manifest:
        """Read the first line. ConfigError for a file that is no manifest; a device or pipe is not read."""
        try:
            if path.exists() and not path.is_file():
                raise ValueError("it is no ordinary file")
            with path.open(encoding="utf-8") as file:
                header = json.loads(file.readline(_LONGEST_HEADER))
            if not isinstance(header, dict):
                raise ValueError("its first line is no object")
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, not {FORMAT!r}")
            name, schema = (_checked(key, header[key], str) for key in ("name", "schema"))
            about = Description(name=name, schema=schema, attributes=_texts("attributes", header["attributes"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"not a dataset's manifest ({_fault(error)})", where=path, hint="run: facesynth dataset import --help"
            ) from error
        try:
            schema_named(about.schema)
        except UsageError as error:
            raise ConfigError(error.what, where=path, hint=error.hint) from error
        return cls(path, about)

    def __iter__(self) -> Iterator[Sample]:
        """Yield the faces in the manifest's order. ConfigError names a line that cannot be read, or a name that comes
        twice; to see that, 16 bytes of each name are held."""
        folder, number = self.path.parent, 1
        known: set[bytes] = set()
        try:
            with self.path.open("rb") as file:
                file.readline()
                for line in file:
                    number += 1
                    sample = _from_row(json.loads(line.decode("utf-8")), folder)
                    # 16 bytes: that two of a million names share them by chance is as good as impossible.
                    key = hashlib.blake2b(sample.name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                    if key in known:
                        raise ValueError(f"a second face is named {sample.name!r}")
                    known.add(key)
                    yield sample
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"line {number} is damaged: {_fault(error)}"
            raise ConfigError(what, where=self.path, hint=IMPORT_AGAIN) from error
        except OSError as error:
            raise ConfigError(f"cannot be read ({error.strerror or error})", where=self.path) from error


def manifest_at(path: Path) -> Path | None:
    """The manifest that a path stands for: a file itself, or `dataset.jsonl` in a folder; None for a folder without."""
    if path.is_file():
        return path
    return inside if (inside := path / MANIFEST_NAME).is_file() else None


def write_manifest(path: Path, about: Description, samples: Iterable[Sample]) -> int:
    """Write a manifest as a whole, replacing an older one at the end, and return how many faces it names.

    OutputError where it cannot be written. `samples` is read once and never held.
    """
    count = 0
    # A name that is not valid Unicode becomes \udcXX, which is how JSON spells it.
    with replacing(path) as draft, draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
        header = {"format": FORMAT, "name": about.name, "schema": about.schema, "attributes": about.attributes}
        file.write(json.dumps(header) + "\n")
        bases = _bases(path.parent)
        for sample in samples:
            file.write(json.dumps(_to_row(sample, bases), ensure_ascii=False) + "\n")
            count += 1
    return count


def _to_row(sample: Sample, bases: _Bases) -> dict[str, Any]:
    row: dict[str, Any] = {"name": sample.name, "image": _told(sample.image, bases), "sha256": sample.sha256}
    if sample.labels is not None:
        row |= {"labels": _told(sample.labels, bases), "labels_sha256": sample.labels_sha256}
    if sample.identity is not None:
        row["identity"] = sample.identity
    if sample.attributes:
        row["attributes"] = list(sample.attributes)
    if sample.split:
        row["split"] = dict(sample.split)
    if sample.landmarks:
        row["landmarks"] = [list(point) for point in sample.landmarks]
    return row


def _from_row(row: Any, folder: Path) -> Sample:
    """The face of a row. KeyError for a value that is missing, ValueError for one of the wrong type."""
    if not isinstance(row, dict):
        raise ValueError("a row is an object")

    def text(key: str) -> str:
        return _checked(key, row[key], str)

    def perhaps(key: str) -> str | None:
        return None if row.get(key) is None else text(key)

    labels = perhaps("labels")
    split = _checked("split", row.get("split", {}), dict)
    landmarks = _checked("landmarks", row.get("landmarks", []), list)
    return Sample(
        name=text("name"),
        image=folder / text("image"),
        sha256=text("sha256"),
        labels=None if labels is None else folder / labels,
        labels_sha256=perhaps("labels_sha256"),
        identity=perhaps("identity"),
        attributes=_texts("attributes", row.get("attributes", [])),
        split={_checked("split", key, str): _checked("split", side, str) for key, side in split.items()},
        landmarks=tuple(_point(each) for each in landmarks),
    )


def _fault(error: Exception) -> str:
    """What is wrong with a line, in words."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no JSON"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _checked(key: str, value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{key} is {type(value).__name__}, not {kind.__name__}")
    if isinstance(value, str):
        try:
            os.fsencode(value)  # \udcXX, a byte that is not valid Unicode, is what names on a disk may hold
        except UnicodeEncodeError:
            raise ValueError(f"{key} holds half a character") from None
        if "\0" in value:
            raise ValueError(f"{key} holds the character 0")
    return value


def _texts(key: str, values: Any) -> tuple[str, ...]:
    return tuple(_checked(key, each, str) for each in _checked(key, values, list))


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"a landmark is {str(value)[:40]!r}, not x and y")
    return _coordinate(value[0]), _coordinate(value[1])


def _coordinate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        raise ValueError(f"a landmark is {str(value)[:40]!r}, not a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a landmark is too large a number") from None


_Bases: TypeAlias = tuple[tuple[Path, str], ...]
"""Folders, and how a path from the manifest to what lies in each begins."""


def _bases(folder: Path) -> _Bases:
    """The manifest's folder, and the one that it lies in, unless `..` leads elsewhere because it is a link."""
    folder = Path(os.path.abspath(folder))
    straight = os.path.dirname(os.path.realpath(folder)) == os.path.realpath(folder.parent)
    return ((folder, ""), (folder.parent, "../")) if straight else ((folder, ""),)


def _told(path: Path, bases: _Bases) -> str:
    """The path relative to the manifest's folder where it lies in it or in a folder beside it, else the whole path."""
    path = Path(os.path.abspath(path))
    for base, up in bases:
        if path.is_relative_to(base):
            return up + path.relative_to(base).as_posix()
    return str(path)
