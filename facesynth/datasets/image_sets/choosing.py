"""Some images of a set as a set of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo
from facesynth.datasets.image_sets.sets import Block, ImageSet


def chosen(images: ImageSet, indices: Sequence[int] | NDArray[np.int64]) -> ImageSet:
    """The images at these indices, in this order, with the classes of the whole set. IndexError outside it."""
    return _Chosen(images, indices)


class _Chosen(ImageSet):
    def __init__(self, whole: ImageSet, indices: Sequence[int] | NDArray[np.int64]) -> None:
        self._whole, self._indices = whole, np.asarray(indices, dtype=np.int64)
        if len(self._indices) and not 0 <= self._indices.min() <= self._indices.max() < len(whole):
            raise IndexError(f"indices are 0 to {len(whole) - 1}")
        self.classes, self.multi, self.together = whole.classes, whole.multi, whole.together

    def __len__(self) -> int:
        return len(self._indices)

    def name(self, index: int) -> str:
        return self._whole.name(int(self._indices[index]))

    def read(self, index: int) -> Photo:
        return self._whole.read(int(self._indices[index]))

    def block(self, indices: Sequence[int]) -> Block:
        return self._whole.block(self._of(indices))

    def targets(self, indices: Sequence[int]) -> NDArray[Any] | None:
        return self._whole.targets(self._of(indices))

    def _of(self, indices: Sequence[int]) -> Sequence[int]:
        """Indices of the whole set."""
        within: list[int] = self._indices[np.asarray(indices, dtype=np.int64)].tolist()
        return within
