"""Names of very many files in little memory."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError, UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.scan import walk


class FileList:
    """The images below a folder, folder by folder, sorted in each: a file costs 12 bytes and those of its name."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._folders: list[str] = []
        self._folder_of = array("i")
        self._names = bytearray()
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._folder_of)

    def path(self, index: int) -> Path:
        """Where the file lies. IndexError outside the list."""
        folder, file = self._at(index)
        return self._top / folder / file

    def name(self, index: int) -> str:
        """Its path below the top without suffix, `/` between its parts; no two files have the same."""
        folder, file = self._at(index)
        stem = _stem(file)
        return f"{folder}/{stem}" if folder else stem

    def stem(self, index: int) -> str:
        """The file's own name without suffix."""
        return _stem(self._at(index)[1])

    def stem_hashes(self) -> NDArray[np.int64]:
        """Python's hash of each file's stem; it differs from process to process."""
        return np.fromiter((hash(self.stem(index)) for index in range(len(self))), np.int64, len(self))

    def add_below(self, folder: Path) -> int:
        """Add the images below `folder`, which is the top or lies below it, and return how many they are.

        Hidden files are passed by, links followed. UsageError names a folder that cannot be listed, InputError two
        files with the same name but for the suffix.
        """
        before = len(self)
        above = () if folder == self._top else (self._top,)  # a link to it would bring the other folders' images
        for place, files in walk(folder, refuse_unlisted, without=above):
            if files:
                self.add(place, files)
        return len(self) - before

    def add(self, folder: Path, files: Sequence[str]) -> None:
        """Add files that lie in `folder`, in this order. InputError for two that differ in their suffixes alone."""
        _refuse_twins(folder, files)
        inner = folder.relative_to(self._top).as_posix()
        number = len(self._folders)
        self._folders.append("" if inner == "." else inner)
        for file in files:
            self._names += os.fsencode(file)
            self._ends.append(len(self._names))
            self._folder_of.append(number)

    def _at(self, index: int) -> tuple[str, str]:
        """The folder and the name of a file."""
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} images, none has the index {index}")
        file = os.fsdecode(bytes(self._names[self._ends[index] : self._ends[index + 1]]))
        return self._folders[self._folder_of[index]], file


def refuse_unlisted(folder: Path, error: OSError) -> None:
    """What a walk through folders says of one that cannot be listed: UsageError."""
    what = f"cannot be listed ({error.strerror or error})"
    raise UsageError(what, where=folder, hint="check its permissions") from error


def no_images(folder: Path) -> UsageError:
    """What is said of a folder without images."""
    return UsageError("no images in it", where=folder, hint=f"names end in {' '.join(sorted(IMAGE_SUFFIXES))}")


def repeated(hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values that occur more than once, sorted."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _refuse_twins(folder: Path, files: Sequence[str]) -> None:
    """Of millions of names only those are compared whose hashes are equal: a set of all would take gigabytes."""
    twice = repeated(np.fromiter((hash(_stem(file)) for file in files), np.int64, len(files)))
    if len(twice):
        first: dict[str, str] = {}
        suspects = frozenset(twice.tolist())
        for file in files:
            stem = _stem(file)
            if hash(stem) in suspects and (other := first.setdefault(stem, file)) != file:
                what = f"{other} and {file} would have the same name, {stem}"
                raise InputError(what, where=folder, hint="rename or remove one of them")


def stems_twice(files: FileList) -> Iterable[tuple[int, int]]:
    """Yield the indices of two files that have the same stem, in whatever folders they lie."""
    hashes = files.stem_hashes()
    first: dict[str, int] = {}
    for index in np.flatnonzero(np.isin(hashes, repeated(hashes))).tolist():
        other = first.setdefault(files.stem(index), index)
        if other != index:
            yield other, index


def _stem(file: str) -> str:
    return os.path.splitext(file)[0]
