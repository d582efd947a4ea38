"""Sets of images that lie as records of one length in a few large files."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.core.images import Photo
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.image_sets.fitting import fitted
from facesynth.datasets.image_sets.sets import Block, Fit, ImageSet
from facesynth.datasets.image_sets.targets import ClassIds

_TOGETHER = 1000
"""Records in a block: some 3 MB of CIFAR's."""


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of `count` records of `length` bytes each, and nothing else."""

    path: Path
    count: int
    length: int

    def rows(self) -> NDArray[np.uint8]:
        """The records, count×length, memory-mapped anew: a map that lasted would keep all that was read in memory.

        InputError where the file has become another.
        """
        try:
            return np.memmap(self.path, np.uint8, "r", shape=(self.count, self.length))
        except (OSError, ValueError) as error:
            raise InputError("cannot be read, or has changed", where=self.path, hint="run again") from error

    def name(self, number: int) -> str:
        """The name of the record's image."""
        return f"{self.path.stem}/{number:05}"

    def where(self, number: int) -> str:
        """The record's place, for messages."""
        return f"{self.path} (image {number})"


class RecordImages(ImageSet):
    """Images of side×side pixels at the end of records: a plane each of red, green and blue, row by row."""

    def __init__(self, files: Sequence[RecordFile], side: int, classes: tuple[str, ...], targets: ClassIds) -> None:
        self._files, self._side, self._targets = tuple(files), side, targets
        self._ends = tuple(accumulate(file.count for file in files))
        self.classes, self.multi, self.together = classes, targets.multi, _TOGETHER

    def __len__(self) -> int:
        return self._ends[-1]

    def name(self, index: int) -> str:
        file, number = self._at(index)
        return file.name(number)

    def read(self, index: int) -> Photo:
        file, number = self._at(index)
        return Photo(_pixels(file.rows()[number : number + 1], self._side)[0])

    def block(self, indices: Sequence[int]) -> Block:
        places = [self._at(index) for index in indices]
        return _RecordBlock(places, self._side)

    def targets(self, indices: Sequence[int]) -> NDArray[Any] | None:
        return self._targets.of(indices)

    def _at(self, index: int) -> tuple[RecordFile, int]:
        """The file and the record in it."""
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} images, none has the index {index}")
        which = bisect_right(self._ends, index)
        file = self._files[which]
        return file, index - self._ends[which] + file.count


class _RecordBlock(Block):
    def __init__(self, places: Sequence[tuple[RecordFile, int]], side: int) -> None:
        self._places, self._side = places, side
        self._rows = np.empty((len(places), places[0][0].length if places else 0), np.uint8)
        for file in dict.fromkeys(file for file, _ in places):
            mine = [position for position, (other, _) in enumerate(places) if other is file]
            self._rows[mine] = file.rows()[[places[position][1] for position in mine]]
        told = zip(places, self._rows, strict=True)
        self.stamp = b"".join(
            json.dumps([file.name(number), sha256_bytes(row.tobytes())]).encode() for (file, number), row in told
        )

    def put(self, into: NDArray[np.uint8], fit: Fit) -> None:
        pixels, size = _pixels(self._rows, self._side), into.shape[1]
        if size == self._side:
            into[...] = pixels
            return
        for row, image, (file, number) in zip(into, pixels, self._places, strict=True):
            row[...] = fitted(Photo(image), size, fit, file.where(number)).pixels


def _pixels(rows: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """N×side×side×3 of N records."""
    planes = rows[:, -3 * side * side :].reshape(-1, 3, side, side)
    return planes.transpose(0, 2, 3, 1)
