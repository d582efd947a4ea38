"""The features of a set of pictures, in a temporary file: however many there are, memory holds a few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import FacesynthError
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.metrics.features import Features
from facesynth.metrics.moments import Moments

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A set's features, N×D float32, and logits (None: no classifier), N×K, mapped from files, in the order they came.

    `moments` are those of the features.
    """

    features: Features
    logits: Features | None
    moments: Moments

    def __len__(self) -> int:
        return len(self.features)

    def halves(self, folder: Path, seed: int) -> tuple[FeatureSet, FeatureSet]:
        """Two halves, drawn by `seed`, as sets of their own; of an odd number one picture is in neither."""
        order = np.random.default_rng(seed).permutation(len(self))
        half = len(self) // 2
        first, second = (
            self._part(folder / name, np.sort(rows))
            for name, rows in (("first-half", order[:half]), ("second-half", order[half : 2 * half]))
        )
        return first, second

    def _part(self, folder: Path, rows: NDArray[np.int64]) -> FeatureSet:
        part = FeatureFiles(folder)
        for row in rows:
            logits = None if self.logits is None else np.asarray(self.logits[row], dtype=np.float32)
            part.add(PictureFeatures(np.asarray(self.features[row], dtype=np.float32), logits))
        return part.finished()


class FeatureFiles:
    """Takes features one picture at a time; `folder` is made, and whoever made its parent removes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._files: dict[str, BufferedWriter] = {}
        self._shapes: dict[str, int] = {}
        self._count = 0

    def add(self, found: PictureFeatures) -> None:
        """Append one picture's. Raises FacesynthError where they are not of the same length as those before."""
        arrays = {"features": found.features} | ({} if found.logits is None else {"logits": found.logits})
        shapes = {name: len(array) for name, array in arrays.items()}
        if self._count and shapes != self._shapes:
            raise FacesynthError(f"picture {self._count + 1} has features of another length: {shapes}")
        self._shapes = shapes
        for name, array in arrays.items():
            if name not in self._files:
                self._files[name] = (self._folder / f"{name}.f32").open("wb")
            self._files[name].write(np.ascontiguousarray(array, dtype="<f4").tobytes())
        self._count += 1

    def finished(self) -> FeatureSet:
        """All that was added, mapped. Raises UsageError, as Moments does, where nothing was."""
        for file in self._files.values():
            file.close()
        mapped = {
            name: np.memmap(self._folder / f"{name}.f32", dtype="<f4", mode="r", shape=(self._count, length))
            for name, length in self._shapes.items()
        }
        features = mapped.get("features", np.empty((0, 1), dtype=np.float32))
        moments = Moments(features.shape[1])
        for block in blocks(features):
            moments.add(block)
        return FeatureSet(features, mapped.get("logits"), moments)


def blocks(features: Features) -> Iterator[Features]:
    """The rows, some hundred at a time."""
    for start in range(0, len(features), _ROWS_AT_ONCE):
        yield features[start : start + _ROWS_AT_ONCE]
