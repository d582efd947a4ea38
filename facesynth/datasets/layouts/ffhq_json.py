"""`ffhq-dataset-v2.json`, 267 MB: what FFHQ's authors say of each face, read row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ijson

from facesynth.core.errors import ConfigError

JSON_NAME = "ffhq-dataset-v2.json"
_SIDES: Mapping[str, str] = MappingProxyType({"training": "train", "validation": "validation"})
_HINT = f"get {JSON_NAME} again, or move it away to go on without it"
_CHUNK = 1 << 16

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class FaceFile:
    """One face in one of its forms: the md5 of the file, the 68 landmarks in its pixels where the JSON has them.

    `fault` says what is wrong with the landmarks.
    """

    md5: str | None
    landmarks: Points
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class FaceRow:
    """What the JSON says of a face: its number, its side of the published split, and its files."""

    number: int
    side: str
    image: FaceFile
    in_the_wild: FaceFile
    thumbnail: FaceFile


def check_ends(path: Path) -> None:
    """Raise ConfigError for a file that is plainly not the whole JSON, by its first and last bytes alone."""
    try:
        with path.open("rb") as file:
            first = file.read(64).lstrip()
            file.seek(max(0, path.stat().st_size - 64))
            last = file.read().rstrip()
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=path) from error
    if not first.startswith(b"{"):
        raise ConfigError("no JSON of FFHQ", where=path, hint=_HINT)
    if not last.endswith(b"}"):
        raise ConfigError("the file is truncated", where=path, hint=_HINT)


def count_rows(path: Path) -> int:
    """How many rows there are, without parsing them."""
    key, count, carried = b'"category":', 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            count += (carried + chunk).count(key)
            carried = chunk[-len(key) + 1 :]
    return count


def read_rows(path: Path) -> Iterator[FaceRow]:
    """Yield the rows in the file's order, in constant memory. ConfigError where the file or a row is damaged."""
    try:
        with path.open("rb") as file:
            for key, row in ijson.kvitems(file, "", use_float=True):
                yield _row(path, key, row)
    except ijson.JSONError as error:
        raise ConfigError(f"damaged JSON ({error})", where=path, hint=_HINT) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=path) from error


def _row(path: Path, key: str, row: Any) -> FaceRow:
    try:
        if not (key.isascii() and key.isdigit() and len(key) <= 5):
            raise ValueError("rows have numbers from 0 to 99999")
        forms = (_file(row[form]) for form in ("image", "in_the_wild", "thumbnail"))
        return FaceRow(int(key), _SIDES[row["category"]], *forms)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"row {key[:40]!r} is damaged ({error!r})", where=path, hint=_HINT) from error


def _file(told: Any) -> FaceFile:
    points = tuple((x, y) for x, y in told.get("face_landmarks", ()))
    wrong = [value for point in points for value in point if not _is_number(value)]
    if wrong:
        return FaceFile(told.get("file_md5"), (), f"a landmark in {JSON_NAME} is no number: {str(wrong[0])[:40]!r}")
    return FaceFile(told.get("file_md5"), points)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
