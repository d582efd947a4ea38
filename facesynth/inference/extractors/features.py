"""What an extractor tells of one picture. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo


@dataclass(frozen=True, slots=True, eq=False)
class PictureFeatures:
    """A picture's features, D float32, and the classifier's logits without their bias, K float32 (None: no classifier).

    D is 2048 and K 1008 for Inception.
    """

    features: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None


class FeatureExtractor(Protocol):
    """Describes pictures by numbers."""

    def __call__(self, pictures: Sequence[Photo], *, batch_size: int | None = None) -> list[PictureFeatures]:
        """One description a picture, whatever else is in the batch. Raises FacesynthError for what is no number."""
        ...


class PairDistance(Protocol):
    """Tells how far two pictures are apart."""

    def __call__(self, pairs: Sequence[tuple[Photo, Photo]], *, batch_size: int | None = None) -> list[float]:
        """One distance a pair, 0 for the same picture. Raises InputError where two are not of one size."""
        ...
