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
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from facesynth.core.errors import OutputError
from facesynth.datasets.importing.basis import stamp
from facesynth.datasets.importing.layout import Made
from facesynth.datasets.manifest import Sample

LEDGER_NAME = ".dataset.sqlite"
_VERSION = 2
_COMMIT_SECONDS = 0.5
"""What a kill may cost."""
_OUTSIDE = frozenset(
    {
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOLFS),
    }
)
"""SQLite's codes of what is wrong with the place. All others, while a ledger is opened, mean that it is damaged."""

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    name TEXT PRIMARY KEY, run INTEGER NOT NULL, position INTEGER NOT NULL,
    basis TEXT NOT NULL, written TEXT NOT NULL, sample TEXT NOT NULL, warnings TEXT NOT NULL, seal TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failures (position INTEGER NOT NULL, name TEXT NOT NULL, file TEXT, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS failures_by_reason ON failures (reason, position);
"""
# Names are kept as JSON in ASCII: SQLite's text must be valid Unicode, names on a disk need not be.


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

    def __init__(self, path: Path, recipe: str, *, anew: bool = False) -> None:
        """Open it, or make it. Rows of another `recipe` (dataset, settings) are dropped, and with `anew` all.
        OutputError."""
        self._path = path
        try:
            try:
                self._start(recipe, anew=anew)
            except (sqlite3.Error, ValueError) as error:
                if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in _OUTSIDE:
                    raise
                self._db.close()  # damaged, or no ledger at all
                path.unlink()
                self._start(recipe, anew=anew)
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
        """The row of that name, from an earlier run or this one; one that is damaged is not there."""
        query = "SELECT basis, written, sample, warnings, seal, run = ? FROM rows WHERE name = ?"
        found = self._db.execute(query, (self._run, _key(name))).fetchone()
        if found is None or found[4] != _seal(_key(name), *found[:4]):
            return None
        return Kept(found[0], found[1], found[2], bool(found[5]))

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
            "INSERT OR REPLACE INTO rows (name, run, position, basis, written, sample, warnings, seal)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        texts = (basis, json.dumps(written), json.dumps(sample), json.dumps(warnings))
        self._write(change, _key(name), self._run, position, *texts, _seal(_key(name), *texts))

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

    def _start(self, recipe: str, *, anew: bool) -> None:
        self._db = sqlite3.connect(self._path)
        self._db.text_factory = lambda text: text.decode("utf-8", "replace")  # a seal tells what is damaged
        self._db.execute("PRAGMA synchronous = NORMAL")
        if (found := self._db.execute("PRAGMA integrity_check(1)").fetchone()) != ("ok",):
            raise ValueError(found)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise ValueError(f"its version is {version}")
        self._db.executescript(f"DROP TABLE IF EXISTS failures; {_TABLES} PRAGMA user_version = {_VERSION};")
        self._db.execute("SELECT name, run, position, basis, written, sample, warnings, seal FROM rows LIMIT 0")
        settings = dict(self._db.execute("SELECT key, value FROM settings"))
        if anew or settings.get("recipe") != recipe:
            self._db.execute("DELETE FROM rows")
        (last,) = self._db.execute("SELECT MAX(run) FROM rows").fetchone()
        self._run = max(int(settings.get("run", 0)), int(last or 0)) + 1
        if not 0 < self._run < 1 << 62:
            raise ValueError(f"its run is {self._run}")
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


def _seal(*texts: object) -> str:
    """By which it is seen whether any of a row's texts is damaged."""
    return hashlib.blake2b(json.dumps(texts, default=repr).encode(), digest_size=16).hexdigest()


def _key(name: str) -> str:
    return json.dumps(name)
