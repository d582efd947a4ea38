"""What an import has made already, in a SQLite file beside the manifest, so that the next one goes on from there.

It also holds what is told of the run at its end, failures and warnings, so that memory does not grow with them. A file
that is lost or damaged costs time, nothing else: everything is made anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from facesynth.core.errors import OutputError
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.manifest import Sample

LEDGER_NAME = ".dataset.sqlite"
_VERSION = 1
_COMMIT_SECONDS = 0.5
"""What a kill may cost."""

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    name TEXT PRIMARY KEY, run INTEGER NOT NULL, position INTEGER NOT NULL,
    basis TEXT NOT NULL, written TEXT NOT NULL, sample TEXT NOT NULL, warnings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failures (position INTEGER NOT NULL, name TEXT NOT NULL, file TEXT, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS failures_by_reason ON failures (reason, position);
"""
# Names are kept as JSON in ASCII: SQLite's text must be valid Unicode, names on a disk need not be.

Stamp = tuple[int, int] | None


def stamp(path: Path) -> Stamp:
    """The size of a file and its time in nanoseconds; None where there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of an earlier run: it holds while its basis is the same and its written files are as they were.

    `met` is true for a row of this run.
    """

    basis: str
    written: str
    sample: str
    met: bool

    def is_whole(self) -> bool:
        """Whether the files that were written for it still lie there unchanged."""
        return all(stamp(Path(path)) == tuple(was) for path, was in json.loads(self.written))

    def restored(self) -> Sample:
        """The row itself."""
        values = json.loads(self.sample)
        for key in ("image", "labels"):
            values[key] = None if values[key] is None else Path(values[key])
        for key in ("attributes", "landmarks"):
            values[key] = tuple(values[key])
        return Sample(**values)


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure or warning: how many faces it befell, the first of their names, the file of the first where known."""

    what: str
    count: int
    names: tuple[str, ...]
    file: str | None = None


class Ledger:
    """The ledger of one output folder, held by one run (whoever opens it holds the folder's lock)."""

    def __init__(self, path: Path, recipe: str) -> None:
        """Open it, or make it. Rows of another `recipe` (dataset, settings) are dropped. OutputError."""
        self._path = path
        try:
            try:
                self._start(recipe)
            except sqlite3.OperationalError:
                raise
            except (sqlite3.DatabaseError, ValueError):  # damaged, or no ledger at all
                self._db.close()
                path.unlink()
                self._start(recipe)
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what was done, also of a run that ends by an error; a fault of the ledger itself is an OutputError."""
        try:
            self._db.commit()
        except sqlite3.Error as fault:
            if error is None:
                raise self._fault(fault) from fault
        finally:
            self._db.close()
        if isinstance(error, sqlite3.Error):
            raise self._fault(error) from error

    def known(self, name: str) -> Kept | None:
        """The row of that name, from an earlier run or this one."""
        query = "SELECT basis, written, sample, run = ? FROM rows WHERE name = ?"
        found = self._db.execute(query, (self._run, _key(name))).fetchone()
        return None if found is None else Kept(found[0], found[1], found[2], bool(found[3]))

    def keep(self, name: str, position: int) -> None:
        """Take an earlier run's row over."""
        self._write("UPDATE rows SET run = ?, position = ? WHERE name = ?", self._run, position, _key(name))

    def add(self, name: str, position: int, basis: str, made: Made) -> None:
        """Note a row that was made, in place of an older one."""
        sample = {field.name: getattr(made.sample, field.name) for field in dataclasses.fields(Sample)}
        for key in ("image", "labels"):
            sample[key] = None if sample[key] is None else os.path.abspath(sample[key])
        sample["split"] = dict(made.sample.split)
        warnings = [warning.encode("utf-8", "backslashreplace").decode() for warning in made.warnings]
        written = [[os.path.abspath(path), stamp(path)] for path in made.written]
        change = (
            "INSERT OR REPLACE INTO rows (name, run, position, basis, written, sample, warnings)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        texts = (json.dumps(written), json.dumps(sample), json.dumps(warnings))
        self._write(change, _key(name), self._run, position, basis, *texts)

    def fail(self, name: str, position: int, file: str | None, reason: str) -> None:
        """Note that a face cannot be used."""
        values = (position, _key(name), None if file is None else _key(file), _key(reason))
        self._write("INSERT INTO failures (position, name, file, reason) VALUES (?, ?, ?, ?)", *values)

    def forget_others(self) -> None:
        """Drop the rows that this run, which has gone through everything, did not meet."""
        self._write("DELETE FROM rows WHERE run <> ?", self._run)
        self._db.commit()

    def failures(self) -> Iterator[tuple[str, str | None, str]]:
        """Yield (name, file, reason) of this run's failures in the order of entries."""
        for name, file, reason in self._db.execute("SELECT name, file, reason FROM failures ORDER BY position"):
            yield json.loads(name), None if file is None else json.loads(file), json.loads(reason)

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield (warning, name) of this run's rows, those of one kind together, in the order of entries."""
        for kind, name in self._db.execute(f"SELECT value, name {_WARNED} ORDER BY value, position", (self._run,)):
            yield kind, json.loads(name)

    def failed(self, limit: int) -> tuple[Problem, ...]:
        """The most frequent reasons of failures."""
        counted = "SELECT reason, COUNT(*), MIN(position) FROM failures GROUP BY reason ORDER BY 2 DESC, 3 LIMIT ?"
        first = "SELECT name, file FROM failures WHERE reason = ? ORDER BY position LIMIT 3"
        problems = []
        for reason, count, _ in self._db.execute(counted, (limit,)).fetchall():
            rows = self._db.execute(first, (reason,)).fetchall()
            file = None if rows[0][1] is None else json.loads(rows[0][1])
            problems.append(Problem(json.loads(reason), count, tuple(json.loads(name) for name, _ in rows), file))
        return tuple(problems)

    def warned(self, limit: int) -> tuple[Problem, ...]:
        """The most frequent warnings."""
        counted = f"SELECT value, COUNT(*) {_WARNED} GROUP BY value ORDER BY 2 DESC, 1 LIMIT ?"
        first = f"SELECT name {_WARNED} AND value = ? ORDER BY position LIMIT 3"
        problems = []
        for kind, count in self._db.execute(counted, (self._run, limit)).fetchall():
            rows = self._db.execute(first, (self._run, kind)).fetchall()
            problems.append(Problem(kind, count, tuple(json.loads(name) for (name,) in rows)))
        return tuple(problems)

    def totals(self) -> tuple[int, int]:
        """How many failures and how many warnings there are."""
        (failures,) = self._db.execute("SELECT COUNT(*) FROM failures").fetchone()
        (warnings,) = self._db.execute(f"SELECT COUNT(*) {_WARNED}", (self._run,)).fetchone()
        return failures, warnings

    def _start(self, recipe: str) -> None:
        self._db = sqlite3.connect(self._path)
        self._db.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise ValueError(f"its version is {version}")
        self._db.executescript(_TABLES + f"PRAGMA user_version = {_VERSION};")
        settings = dict(self._db.execute("SELECT key, value FROM settings"))
        if settings.get("recipe") != recipe:
            self._db.execute("DELETE FROM rows")
        self._run = int(settings.get("run", 0)) + 1
        self._db.execute("DELETE FROM failures")
        changed = (("recipe", recipe), ("run", str(self._run)))
        self._db.executemany("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", changed)
        self._db.commit()
        self._committed = time.monotonic()

    def _write(self, change: str, *values: Any) -> None:
        """Make a change; now and then all changes so far are made to last."""
        self._db.execute(change, values)
        if time.monotonic() - self._committed >= _COMMIT_SECONDS:
            self._db.commit()
            self._committed = time.monotonic()

    def _fault(self, error: Exception) -> OutputError:
        return OutputError(f"cannot be written ({error})", where=self._path, hint="give another folder: -o DIR")


def recipe_in(path: Path) -> str | None:
    """The recipe of the last run in a ledger's file; None where there is none, or no ledger."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(path)) as ledger:
            found = ledger.execute("SELECT value FROM settings WHERE key = 'recipe'").fetchone()
    except sqlite3.Error:
        return None
    return None if found is None else str(found[0])


_WARNED = "FROM rows, json_each(rows.warnings) WHERE run = ?"


def basis_of(entry: Entry) -> str:
    """A digest of all that the row of an entry depends on: its files' names, sizes and times, and what lists say."""
    files = [[os.path.abspath(path), stamp(path)] for path in entry.files]
    told = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "files"}
    return hashlib.sha256(json.dumps([files, told], default=_spelled).encode()).hexdigest()


def _spelled(value: object) -> object:
    """What JSON does not know of itself: other mappings than dict, and paths."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def _key(name: str) -> str:
    return json.dumps(name)
