"""Files that arrive in folders: each is told of once it is complete, and again when it holds something else.

Folders are looked at again and again: no system tells of a file that another machine closes on a network share, and
few tell of one that is closed here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from facesynth.core.errors import UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.scan import SourceFile, walk

Stamp: TypeAlias = tuple[int, int]
"""What changes with a file's content: its bytes, and the time of its last change in nanoseconds."""

_UNREADABLE: Stamp = (-1, -1)
_OUTDATED: Stamp = (-2, -2)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: files that are complete now, the paths of those that are gone, and folders that cannot be
    listed since this look."""

    complete: list[SourceFile]
    gone: list[str]
    unlisted: list[tuple[Path, OSError]]


@dataclass(slots=True)
class _Seen:
    stamp: Stamp
    since: float
    told: bool
    look: int


class Arrivals:
    """What comes to be in folders and all below them: files with one of the `suffixes`, and no hidden ones.

    A file is complete when neither its size nor its time of change has changed for `settle` seconds, wherever it came
    from: one that was renamed into place has to lie there for so long, too. Links are followed, but what lies in the
    folder `without` is passed by under every name. Where several folders are watched, the relative names of files start
    with their folder's, and as much of its parents' as tells them apart. Memory: some hundred bytes a file.
    """

    def __init__(
        self,
        folders: Sequence[str | Path],
        *,
        settle: float,
        without: Path | None = None,
        suffixes: Collection[str] = IMAGE_SUFFIXES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises UsageError for what is no folder."""
        for folder in map(Path, folders):
            if not folder.is_dir():
                hint = "name the folder that it comes to be in" if folder.exists() else "make it first"
                raise UsageError("only a folder can be watched", where=folder, hint=hint)
        self._folders = _prefixed([Path(folder) for folder in folders])
        self._settle, self._suffixes, self._clock = settle, frozenset(suffixes), clock
        self._without = None if without is None else os.path.realpath(without)
        self._seen: dict[str, _Seen] = {}
        self._unlisted: set[Path] = set()
        self._looks = 0

    def look(self) -> Looked:
        """Look through the folders once; complete files in the order in which they were first seen so, then by name."""
        self._looks += 1
        now, found, unlisted = self._clock(), list[tuple[float, SourceFile]](), dict[Path, OSError]()
        for top, prefix in self._folders.items():
            for folder, names in walk(top, unlisted.__setitem__, suffixes=self._suffixes):
                if names and self._is_passed_by(folder):
                    continue
                below, start = prefix / PurePosixPath(*folder.relative_to(top).parts), _start(folder)
                for name in names:
                    if (since := self._see(start + name, now)) is not None:
                        found.append((since, SourceFile(folder / name, below / name)))
        found.sort(key=lambda one: (one[0], one[1].relative.parts))
        # A folder below that is gone since its parent was listed was deleted; one of the watched ones may come back.
        lost = {
            path: fault
            for path, fault in unlisted.items()
            if path in self._folders or not isinstance(fault, FileNotFoundError)
        }
        fresh = [(path, fault) for path, fault in lost.items() if path not in self._unlisted]
        self._unlisted = set(lost)
        return Looked([source for _, source in found], self._forget_gone(), fresh)

    def is_as_told(self, path: str) -> bool:
        """Whether a file that was told of is still what it was then; if not, it is told of again, once complete."""
        seen = self._seen.get(path)
        if seen is None or (seen.told and _stamp(path) == seen.stamp):
            return seen is not None
        seen.stamp, seen.told = _OUTDATED, False
        return False

    def _see(self, path: str, now: float) -> float | None:
        """Since when a file has been as it is, where that is to be told; else None."""
        stamp = _stamp(path)
        if stamp is None:
            return None
        seen = self._seen.get(path)
        if seen is None or seen.stamp != stamp:
            self._seen[path] = _Seen(stamp, now, False, self._looks)
            return None
        seen.look = self._looks
        if seen.told or now - seen.since < self._settle:
            return None
        seen.told = True
        return seen.since

    def _forget_gone(self) -> list[str]:
        """Drop the files that were not there; those in folders that cannot be listed may be."""
        hidden = tuple(map(_start, self._unlisted))
        gone = [path for path, seen in self._seen.items() if seen.look != self._looks and not path.startswith(hidden)]
        for path in gone:
            del self._seen[path]
        return gone

    def _is_passed_by(self, folder: Path) -> bool:
        if self._without is None:
            return False
        real = os.path.realpath(folder)
        return real == self._without or real.startswith(os.path.join(self._without, ""))


def _start(folder: Path) -> str:
    """What the paths of files in a folder start with."""
    return "" if folder == Path() else os.path.join(folder, "")


def _stamp(path: str) -> Stamp | None:
    """A file's stamp; None where there is none. What cannot be looked at has one too: whoever reads it says why."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return _UNREADABLE
    return status.st_size, status.st_mtime_ns


def _prefixed(folders: Sequence[Path]) -> dict[Path, PurePosixPath]:
    """The folders, each once and none that lies in another one, with what names below them start with."""
    real = {Path(os.path.realpath(folder)): folder for folder in reversed(folders)}
    tops = [path for path in real if not any(path.is_relative_to(other) for other in real if other != path)]
    if len(tops) == 1:
        return {real[tops[0]]: PurePosixPath()}
    depth, deepest = 1, max(len(path.parts) for path in tops)
    while depth < deepest and len({str(_tail(path, depth)).casefold() for path in tops}) < len(tops):
        depth += 1
    return {real[path]: _tail(path, depth) for path in reversed(tops)}


def _tail(path: Path, depth: int) -> PurePosixPath:
    return PurePosixPath(*path.parts[1:][-depth:])
