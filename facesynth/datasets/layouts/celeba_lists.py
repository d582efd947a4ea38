"""CelebA's annotation files, row by row: as published (`.txt`, columns divided by blanks) and as on Kaggle (`.csv`).

A file may begin with a line that counts its rows and with one that names its columns. Whatever cannot be read raises
ConfigError, which names the file and the line; so does a file that is cut short, as far as it can be told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from facesynth.core.errors import ConfigError
from facesynth.datasets.manifest import SIDES

PARTITION = "list_eval_partition"
IDENTITIES = "identity_CelebA"
ATTRIBUTES = "list_attr_celeba"
LANDMARKS = "list_landmarks_align_celeba"

_FOLDERS = ("", "Anno", "Eval")
_SUFFIXES = (".txt", ".csv")
_IMAGES = frozenset({".jpg", ".jpeg", ".png"})
_MAX_LINE = 100_000
_FACES = 202_599
"""Rows of a whole list."""
_FARTHEST = 1e6
"""Pixels within which a landmark must lie: not a number, infinite, or too large for float32 it is no place."""

_AROUND = ' \t\r\n"'
"""What may stand around a value in a CSV file; the values themselves need no quotes."""

Held = tuple[str, ...]
Points = tuple[tuple[float, float], ...]


def find_list(folder: Path, name: str) -> Path | None:
    """Return the annotation file of that name (without suffix) in `folder`, its Anno/ or its Eval/; None: not there."""
    places = (folder / inner / f"{name}{suffix}" for inner in _FOLDERS for suffix in _SUFFIXES)
    return next((path for path in places if path.is_file()), None)


def partition_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, side) of `list_eval_partition`, the side as the manifest names it: 0 is `train`."""
    for number, file, values in _rows(path, fixed=True):
        if len(values) != 1 or values[0] not in ("0", "1", "2"):
            raise _damaged(path, number, "a row is a file and 0, 1 or 2")
        yield file, SIDES[int(values[0])]


def identity_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, identity) of `identity_CelebA`."""
    for number, file, values in _rows(path, fixed=False):
        if len(values) != 1 or not values[0]:
            raise _damaged(path, number, "a row is a file and one identity")
        yield file, sys.intern(values[0])


def read_attribute_bits(path: Path) -> tuple[Held, Iterator[tuple[str, int]]]:
    """Return the names of all attributes, and an iterator of (file, bits): bit i is set where the name i holds."""
    names = _columns(path)
    return names, _attribute_bits(path, len(names))


def held(names: Sequence[str], bits: int) -> Held:
    """Return the names whose bits are set."""
    return tuple(name for index, name in enumerate(names) if bits >> index & 1)


def _attribute_bits(path: Path, count: int) -> Iterator[tuple[str, int]]:
    weights = {"1": 1, "-1": 0, "0": 0}
    for number, file, values in _rows(path, fixed=True):
        if len(values) != count or not weights.keys() >= set(values):
            raise _damaged(path, number, f"a row is a file and {count} values of 1 or -1")
        # Read as a binary number, the first column last: the quickest way from 40 words to 40 bits.
        yield file, int("".join(["1" if value == "1" else "0" for value in reversed(values)]), 2)


def read_landmarks(path: Path) -> Iterator[tuple[str, Points]]:
    """Yield (file, five points): eyes, tip of the nose, corners of the mouth, the image's left first, in pixels."""
    for number, file, values in _rows(path, fixed=False):
        try:
            x, y = [float(value) for value in values[::2]], [float(value) for value in values[1::2]]
        except ValueError:
            x, y = [], []
        if len(x) != 5 or len(y) != 5 or not all(abs(value) < _FARTHEST for value in (*x, *y)):
            raise _damaged(path, number, "a row is a file and ten numbers")
        yield file, tuple(zip(x, y, strict=True))


def _rows(path: Path, *, fixed: bool) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line number, file, the other columns) of each row that begins with an image's name.

    `fixed` values are seen to be cut where they are. Others may be cut in a last line that has no end.
    """
    counted: int | None = None
    rows = number = 0
    for number, fields in _lines(path):
        if os.path.splitext(fields[0])[1].lower() in _IMAGES:
            rows += 1
            yield number, fields[0], fields[1:]
        elif rows or number > 2:
            raise _damaged(path, number, f"a row begins with an image's name, this one with {fields[0][:40]!r}")
        elif number == 1 and len(fields) == 1 and fields[0].isdecimal() and len(fields[0]) < 10:
            counted = int(fields[0])
    if not rows:
        raise ConfigError("no rows in it", where=path, hint=_hint(path))
    if counted is not None and rows < counted:
        fault = f"its first line counts {counted} rows, there are {rows}"
        raise ConfigError(fault, where=path, hint=f"{_hint(path)}; if it should be shorter, mend its first line")
    whole = counted is not None or rows >= _FACES
    if not (fixed and whole) and not _is_ended(path):  # list_eval_partition.txt as published has no last line feed
        fault = f"line {number}: it has no end, as in a file that is cut short"
        raise ConfigError(fault, where=path, hint=f"{_hint(path)}; if it is whole, end its last line")


def _columns(path: Path) -> Held:
    """The names of the columns, in the line above the first row."""
    for number, fields in _lines(path):
        if number > 2 or os.path.splitext(fields[0])[1].lower() in _IMAGES:
            break
        if len(fields) > 1:
            # A CSV file names the column of the files too.
            return tuple(fields[1:] if fields[0].lower() in ("image_id", "") else fields)
    raise _damaged(path, 1, "a line that names the columns is missing")


def _is_ended(path: Path) -> bool:
    """Whether the last line of a file that is not empty has a line feed."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number from 1, fields) of each line that is not empty."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            number = 0
            while line := file.readline(_MAX_LINE):
                number += 1
                fields = [field.strip(_AROUND) for field in line.split(",")] if "," in line else line.split()
                if fields:
                    yield number, fields
    except UnicodeDecodeError as error:
        raise ConfigError("no text", where=path, hint=_hint(path)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", where=path) from error


def _damaged(path: Path, number: int, fault: str) -> ConfigError:
    return ConfigError(f"line {number}: {fault}", where=path, hint=_hint(path))


def _hint(path: Path) -> str:
    return f"get {path.name} again, or move it away to go on without it"
