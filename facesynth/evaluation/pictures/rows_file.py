"""The pictures' own scores as a file of their own, a line of JSON a picture: however many there are, none is held."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import InputError
from facesynth.core.refs import Digest, sha256_file
from facesynth.evaluation.pictures.records import NotARecordError, from_plain, no_number, to_plain
from facesynth.evaluation.pictures.results import PictureRow, Rows

ROWS = "pictures.jsonl"
"""What the file is called, beside evaluation.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsFile:
    """A file of rows as a document names it: beside it, how many there are in it, and the sha256 of its bytes."""

    file: str
    count: int
    sha256: Digest


def row_line(row: PictureRow) -> str:
    """A row as a line of JSON, without its end. Names that are not valid Unicode are escaped."""
    text = json.dumps(to_plain(row), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_rows(rows: Iterable[PictureRow], path: Path) -> RowsFile:
    """Write a file of rows, one after the other. Raises OSError."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(row_line(row) + "\n")
            count += 1
    return RowsFile(file=ROWS, count=count, sha256=sha256_file(path))


@dataclass(frozen=True, slots=True)
class SavedRows:
    """The rows of a file, read anew each time. Raises InputError where it is not what was written."""

    path: Path
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[PictureRow]:
        try:
            with self.path.open(encoding="utf-8") as stream:
                for number, line in enumerate(stream, 1):
                    try:
                        yield from_plain(PictureRow, json.loads(line, parse_constant=no_number))
                    except (NotARecordError, ValueError, RecursionError) as error:
                        raise InputError(f"is damaged (line {number}: {error})", where=self.path) from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read ({error})", where=self.path) from error


class ShownRows(tuple[PictureRow, ...]):
    """The rows of the shown pictures alone, where those of all are not here: never written as if they were all."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RowsOfSeeds:
    """Of other rows those that are not by seed, or by one of these seeds."""

    rows: Rows
    seeds: Sequence[int]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[PictureRow]:
        return (row for row in self.rows if row.seed is None or row.seed in self.seeds)


def rows_of_seeds(rows: Rows, seeds: Sequence[int]) -> Rows:
    """Of rows those that are not by seed, or by one of these seeds; of ShownRows such again."""
    found = RowsOfSeeds(rows, seeds)
    return ShownRows(found) if isinstance(rows, ShownRows) else found


def saved_rows(named: RowsFile, folder: Path) -> SavedRows | str | None:
    """The rows that a document in `folder` names; None where their file is not there, words where it is another."""
    if Path(named.file).name != named.file or "\\" in named.file:
        return f"{named.file[:80]!r}, which is to hold the pictures' own scores, does not lie beside it: passed by"
    path = folder / named.file
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            return f"{named.file} beside it is not an ordinary file: passed by"
        if sha256_file(path) == named.sha256:
            return SavedRows(path, named.count)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{named.file[:80]} beside it cannot be read ({error.strerror or error}): passed by"
    except ValueError:
        return f"{named.file[:80]!r}, which is to hold the pictures' own scores, is no file's name: passed by"
    return f"{named.file} beside it is not the one that it was written with: passed by"
