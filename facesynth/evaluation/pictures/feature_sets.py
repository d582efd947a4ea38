"""The features of a set of pictures, in a temporary file: however many there are, memory holds a few."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import FacesynthError
from facesynth.core.refs import Digest
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.metrics.features import Features, PickedRows, SomeFeatures, let_go
from facesynth.metrics.moments import Moments

_ROWS_AT_ONCE = 256


@dataclass(slots=True, eq=False)
class FeatureSet:
    """A set's features, N×D float32, and logits (None: no classifier), N×K, mapped from files, in the order they came.

    `digest` is a sha256 over them: sets with the same one are the same numbers in the same order. `moments_by` makes
    the moments when they are first asked for.
    """

    features: SomeFeatures
    logits: Features | None
    digest: Digest
    moments_by: Callable[[FeatureSet], Moments]
    _moments: Moments | None = field(init=False, default=None, repr=False)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def moments(self) -> Moments:
        """Those of the features. Raises UsageError, as Moments does, where there are none."""
        if self._moments is None:
            self._moments = self.moments_by(self)
        return self._moments

    def halves(self, size: int, seed: int) -> tuple[FeatureSet, FeatureSet]:
        """Two sets of `size` rows, drawn by `seed`: they share none where `size` is no more than half of all.

        They are rows of the same file, without logits. Of sets of equal length the same rows are drawn.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        return self._part(order[:size]), self._part(order[len(self) - size :])

    def close(self) -> None:
        """Let go of the files, so that they can be removed; there are no features from then on."""
        self.features, self.logits = np.empty((0, 1), dtype=np.float32), None

    def _part(self, drawn: NDArray[np.int64]) -> FeatureSet:
        rows = np.sort(drawn)
        picked = (
            PickedRows(self.features.features, self.features.rows[rows])
            if isinstance(self.features, PickedRows)
            else PickedRows(self.features, rows)
        )
        digest = hashlib.sha256(self.digest.encode() + rows.astype("<i8").tobytes()).hexdigest()
        return FeatureSet(picked, None, digest, self.moments_by)


class FeatureFiles:
    """Takes features one picture at a time; `folder` is made, and whoever made its parent removes it.

    A context: however it ends, no file stays open for writing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._files: dict[str, BufferedWriter] = {}
        self._shapes: dict[str, int] = {}
        self._count = 0
        self._sha256 = hashlib.sha256()

    def __enter__(self) -> FeatureFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
                self._sha256.update(f"{name} {len(array)}\0".encode())
            data = np.ascontiguousarray(array, dtype="<f4").tobytes()
            self._files[name].write(data)
            self._sha256.update(data)
        self._count += 1

    def close(self) -> None:
        """Write out what was added."""
        for file in self._files.values():
            file.close()

    def finished(self, moments_by: Callable[[FeatureSet], Moments] | None = None) -> FeatureSet:
        """All that was added, mapped; `moments_by` is by default `moments_of`."""
        self.close()
        mapped = {
            name: np.memmap(self._folder / f"{name}.f32", dtype="<f4", mode="r", shape=(self._count, length))
            for name, length in self._shapes.items()
        }
        features = mapped.get("features", np.empty((0, 1), dtype=np.float32))
        return FeatureSet(features, mapped.get("logits"), self._sha256.hexdigest(), moments_by or moments_of)


def moments_of(pictures: FeatureSet) -> Moments:
    """The moments of a set's features, read once."""
    moments = Moments(pictures.features.shape[1])
    for block in blocks(pictures.features):
        moments.add(block)
    return moments


def blocks(features: SomeFeatures) -> Iterator[Features]:
    """The rows, some hundred at a time."""
    for start in range(0, len(features), _ROWS_AT_ONCE):
        yield features[start : start + _ROWS_AT_ONCE]
        let_go(features)
