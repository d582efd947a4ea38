"""`ffhq-dataset-v2.json`, 267 MB: what FFHQ's authors say of each face, read row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from facesynth.core.errors import ConfigError
from facesynth.datasets.layouts.json_members import read_members

JSON_NAME = "ffhq-dataset-v2.json"
_SIDES: Mapping[str, str] = MappingProxyType({"training": "train", "validation": "validation"})
_FARTHEST = 1e6
"""Pixels within which a landmark must lie: not a number or infinite it is no place."""
_CHUNK = 1 << 16

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class FaceFile:
    """One face in one of its forms: the md5 of the file, the 68 landmarks in its pixels where the JSON has them.

    Those are the pixels as they are stored, `size` (width, height) of them. `fault` says what is wrong with what is
    told of the face.
    """

    md5: str | None
    landmarks: Points
    fault: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FaceRow:
    """What the JSON says of a face: its number, its side of the published split, and its files."""

    number: int
    side: str
    image: FaceFile
    in_the_wild: FaceFile
    thumbnail: FaceFile


def check_ends(path: Path, *, needed: bool = False) -> None:
    """Raise ConfigError for a file that is plainly not the whole JSON, by its first and last bytes alone.

    `needed`: nothing can be done without it.
    """
    try:
        with path.open("rb") as file:
            first = file.read(64).lstrip()
            file.seek(max(0, path.stat().st_size - 64))
            last = file.read().rstrip()
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=path) from error
    if not first.startswith(b"{"):
        raise ConfigError("no JSON of FFHQ", where=path, hint=_hint(needed))
    if not last.endswith(b"}"):
        raise ConfigError("the file is truncated", where=path, hint=_hint(needed))


def count_rows(path: Path) -> int:
    """How many rows there are, without parsing them."""
    key, count, carried = b'"category":', 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            count += (carried + chunk).count(key)
            carried = chunk[-len(key) + 1 :]
    return count


def read_rows(path: Path, *, needed: bool = False) -> Iterator[FaceRow]:
    """Yield the rows in the file's order, in constant memory; what is wrong with a row is the fault of its files.

    ConfigError where the file is damaged, or a row has no number. `needed`: nothing can be done without it.
    """
    try:
        for key, row in read_members(path):
            if not (key.isascii() and key.isdigit() and len(key) <= 5):
                what = f"row {key[:40]!r} is damaged: rows have numbers from 0 to 99999"
                raise ConfigError(what, where=path, hint=_hint(needed))
            yield _row(int(key), row)
    except ValueError as error:
        raise ConfigError(f"damaged JSON {error}", where=path, hint=_hint(needed)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=path) from error


def _hint(needed: bool) -> str:
    return f"get {JSON_NAME} again" + ("" if needed else ", or move it away to go on without it")


def _row(number: int, told: Any) -> FaceRow:
    row = told if isinstance(told, dict) else {}
    category = row.get("category")
    side = _SIDES.get(category) if isinstance(category, str) else None
    fault = None if side else f"its category in {JSON_NAME} is {_spelled(category)}, not one of {', '.join(_SIDES)}"
    forms = (_file(row.get(form), form, fault) for form in ("image", "in_the_wild", "thumbnail"))
    return FaceRow(number, side or "", *forms)


def _file(told: Any, form: str, fault: str | None) -> FaceFile:
    if not isinstance(told, dict):
        return FaceFile(None, (), fault or f"its {form} in {JSON_NAME} is {_spelled(told)}, not an object")
    md5, listed, size = told.get("file_md5"), told.get("face_landmarks", []), told.get("pixel_size")
    if not isinstance(listed, list) or not all(isinstance(point, list) and len(point) == 2 for point in listed):
        fault = fault or f"its landmarks in {JSON_NAME} are no list of pairs: {_spelled(listed)}"
    elif wrong := [value for point in listed for value in point if not _is_place(value)]:
        fault = fault or f"a landmark in {JSON_NAME} is no number: {_spelled(wrong[0])}"
    elif size is not None and not (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
    ):
        fault = fault or f"pixel_size in {JSON_NAME} is no size: {_spelled(size)}"
    elif md5 is not None and not isinstance(md5, str):
        fault = fault or f"file_md5 in {JSON_NAME} is no text: {_spelled(md5)}"
    if fault is not None:
        return FaceFile(None, (), fault)
    return FaceFile(md5, tuple((x, y) for x, y in listed), size=None if size is None else (size[0], size[1]))


def _is_place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FARTHEST


def _spelled(value: object) -> str:
    return (repr(value) if isinstance(value, str) else json.dumps(value))[:40]
