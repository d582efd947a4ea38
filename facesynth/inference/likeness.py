"""Whether a face is like those that a parser was trained on, told by where in the picture it sees what. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 4
"""A layout holds, for each label and each of GRID×GRID cells of the picture, the root of its mean probability there."""
MIN_FACES = 50
"""Fewer faces say too little of what faces look like."""
_FOLDS = 5
_QUANTILE = 0.99
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How the layouts of `faces` training faces are distributed: `mean` is N, `whitening` N×N, both float32.

    The whitening is scaled so that a distance of 1 is where a face begins to be unlike them.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    faces: int

    def __post_init__(self) -> None:
        size = self.mean.size
        if self.mean.shape != (size,) or self.whitening.shape != (size, size):
            raise ValueError(f"a mean of {self.mean.shape} and a whitening of {self.whitening.shape} are no likeness")

    def unlikeness(self, layout: NDArray[np.float32]) -> float:
        """How far a layout (N) is from those of the training faces: above 1 it is unlike them."""
        return float(np.linalg.norm(self.whitening @ (layout - self.mean)))


def likeness_of(layouts: NDArray[np.float32]) -> Likeness | None:
    """Describe the layouts F×N of F training faces in random order; None where they are fewer than MIN_FACES.

    The distance is Mahalanobis' with a shrunk covariance, scaled so that 1 is the larger of √N, about the distance of
    an average face, and the 99 % quantile of the faces' own, each measured by what the other four fifths say.
    """
    count, size = layouts.shape
    if count < MIN_FACES:
        return None
    folds = np.arange(count) % _FOLDS
    distances = np.empty(count)
    for fold in range(_FOLDS):
        mean, whitening = _described(layouts[folds != fold])
        distances[folds == fold] = np.linalg.norm((layouts[folds == fold] - mean) @ whitening.T, axis=1)
    mean, whitening = _described(layouts)
    reach = max(float(np.quantile(distances, _QUANTILE)), math.sqrt(size))
    return Likeness(mean.astype(np.float32), (whitening / reach).astype(np.float32), count)


def _described(layouts: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean, and what makes the covariance the identity, which is shrunk as Ledoit and Wolf (2004) say."""
    mean = layouts.mean(0, dtype=np.float64)
    centred = layouts - mean
    count, size = centred.shape
    covariance = centred.T @ centred / count
    target = np.trace(covariance) / size * np.eye(size)
    spread = float(((covariance - target) ** 2).sum())
    doubt = float(((centred**2).sum(1) ** 2).mean() - (covariance**2).sum()) / count
    shrinkage = min(1.0, doubt / spread) if spread else 1.0
    shrunk = (1 - shrinkage) * covariance + shrinkage * target + _LEAST_VARIANCE * np.eye(size)
    return mean, np.linalg.inv(np.linalg.cholesky(shrunk))
