"""Which files are inputs, under whatever name: found out where a result would replace something, by looking at few."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.sources import OnDisk, SourceFile

_FEW = 16
"""Names in a folder that are looked at one by one sooner than the folder is listed."""
_IN_VAIN = 4
"""Times as many entries as names, from which on a folder is not listed to its end."""


class KnownFiles:
    """The `sources`, and the files at other `paths`, as the file system tells them apart; names of which there is no
    file are passed over.

    Nothing is looked at before the first question. Then a file can be known under another name in three ways. It lies
    in a folder of sources, which may be reached by another path: only that folder's are compared. It has several names
    (hard links): all sources are compared. Or the source is a link to it: links, the `paths`, and the sources in
    folders that have few are compared always. So ten million files that are no links are never looked at one by one.

    What is held of each that was looked at is a hash of 64 bits. In the rare case that a file which is none of them has
    the hash of one, it would be refused as an output, and nothing would be lost.
    """

    def __init__(self, sources: Iterable[SourceFile], paths: Iterable[Path]) -> None:
        self._folders, self._paths = _by_folder(sources), tuple(paths)
        self._at: dict[int, list[int]] | None = None
        self._none = self._always = self._all = _held(())
        self._is_all = False
        self._of_folder: dict[int, NDArray[np.int64]] = {}

    def holds(self, path: Path, found: os.stat_result) -> bool:
        """Whether what was found at a path is one of them. Raises OSError."""
        identity = _identity(found)
        return (
            _holds(self._looked_at_always(), identity)
            or (found.st_nlink != 1 and _holds(self._looked_at_all(), identity))
            or _holds(self._beside(Path(os.path.realpath(path)) if os.path.islink(path) else path), identity)
        )

    def _looked_at_always(self) -> NDArray[np.int64]:
        if self._at is None:
            at: dict[int, list[int]] = defaultdict(list)
            for index, (folder, _) in enumerate(self._folders):
                with contextlib.suppress(OSError, ValueError):
                    at[_identity(os.stat(folder))].append(index)
            linked = (path for folder, names in self._folders for path in _links(folder, names))
            self._always = _held([*self._paths, *linked])
            self._at = at
        return self._always

    def _looked_at_all(self) -> NDArray[np.int64]:
        if not self._is_all:
            self._all = _held(folder / name for folder, names in self._folders for name in names)
            self._is_all = True
        return self._all

    def _beside(self, path: Path) -> NDArray[np.int64]:
        """Those in the folder of that path, under whatever name."""
        assert self._at is not None
        place = _identity(os.stat(path.parent))
        if place not in self._of_folder and place in self._at:
            there = (self._folders[index] for index in self._at[place])
            self._of_folder[place] = _held(folder / name for folder, names in there for name in names)
        return self._of_folder.get(place, self._none)


def _by_folder(sources: Iterable[SourceFile]) -> list[tuple[Path, Collection[str]]]:
    if isinstance(sources, OnDisk):
        return sources.by_folder()
    names: dict[Path, set[str]] = defaultdict(set)
    for source in sources:
        names[source.path.parent].add(source.path.name)
    return list(names.items())


def _links(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Those of a folder's files that may be links; all, where finding that out takes longer than looking at them."""
    if len(names) > _FEW:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            looked_at = islice(entries, _IN_VAIN * len(names))
            linked = [entry.name for entry in looked_at if entry.is_symlink() and entry.name in names]
            if next(entries, None) is None:
                yield from (folder / name for name in linked)
                return
    yield from (folder / name for name in names)


def _held(paths: Iterable[Path]) -> NDArray[np.int64]:
    held = array("q")
    for path in paths:
        with contextlib.suppress(OSError, ValueError):  # whoever reads it says why
            held.append(_identity(os.stat(path)))
    found = np.frombuffer(held, np.int64) if held else np.empty(0, np.int64)
    found.sort()
    return found


def _holds(held: NDArray[np.int64], identity: int) -> bool:
    place = int(np.searchsorted(held, identity))
    return place < len(held) and int(held[place]) == identity


def _identity(found: os.stat_result) -> int:
    return hash((found.st_dev, found.st_ino))
