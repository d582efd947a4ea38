"""Mean and covariance of any number of features in constant memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import UsageError
from facesynth.metrics.features import Features, checked_features

_BLOCK_ROWS = 256  # a D×D update a row would take minutes for a few thousand pictures


class Moments:
    """Mean and unbiased covariance of D-dimensional features that come in blocks of any size, summed in float64.

    Blocks are joined by their own means and scatter matrices (Chan, Golub and LeVeque 1979), so that features far from
    0 lose no digits. Holds D×D and 256×D float64, whatever N is.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"features have at least one dimension, not {dim}")
        self.dim = dim
        self._joined = 0
        self._mean = np.zeros(dim)
        self._scatter = np.zeros((dim, dim))
        self._waiting = np.empty((_BLOCK_ROWS, dim))
        self._waits = 0

    @property
    def count(self) -> int:
        """How many rows were added."""
        return self._joined + self._waits

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean: D float64. Raises UsageError where nothing was added."""
        self._join_waiting()
        if not self.count:
            raise UsageError("there is no mean of no pictures", hint="give a folder that holds pictures")
        return self._mean.copy()

    @property
    def covariance(self) -> NDArray[np.float64]:
        """The unbiased covariance, as `numpy.cov`: D×D float64. Raises UsageError for fewer than 2 rows."""
        self._join_waiting()
        if self.count < 2:
            raise UsageError(
                f"a covariance needs at least 2 pictures, here is {self.count or 'none'}", hint="give more pictures"
            )
        return self._scatter / (self.count - 1)

    @property
    def scatter(self) -> NDArray[np.float64]:
        """The sum of outer products of the rows less their mean: D×D float64."""
        self._join_waiting()
        return self._scatter.copy()

    @classmethod
    def restored(cls, count: int, mean: NDArray[np.float64], scatter: NDArray[np.float64]) -> Moments:
        """Those whose `count`, `mean` and `scatter` these were. Raises ValueError where shapes do not fit."""
        if count < 1 or mean.ndim != 1 or scatter.shape != (len(mean), len(mean)):
            raise ValueError(f"no moments: {count} rows, a mean {mean.shape}, a scatter matrix {scatter.shape}")
        found = cls(len(mean))
        found._joined, found._mean, found._scatter = count, mean.astype(np.float64), scatter.astype(np.float64)
        return found

    def add(self, features: Features) -> None:
        """Add N×D float32 or float64. Raises ValueError for another shape or type, FacesynthError for NaN."""
        rows = checked_features(features, "the set", first_row=self.count, dim=self.dim)
        start = 0
        while start < len(rows):
            taken = rows[start : start + _BLOCK_ROWS - self._waits]
            self._waiting[self._waits : self._waits + len(taken)] = taken
            self._waits += len(taken)
            start += len(taken)
            if self._waits == _BLOCK_ROWS:
                self._join_waiting()

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets of rows as one; neither side changes. Raises ValueError where D differs."""
        if self.dim != other.dim:
            raise ValueError(f"features of {self.dim} and of {other.dim} dimensions are not one set")
        both = Moments(self.dim)
        for part in (self, other):
            part._join_waiting()
            both._join(part._joined, part._mean, part._scatter)
        return both

    def _join_waiting(self) -> None:
        if self._waits:
            rows = self._waiting[: self._waits]
            mean = rows.mean(axis=0)
            centred = rows - mean
            joined, self._waits = self._waits, 0
            self._join(joined, mean, centred.T @ centred)

    def _join(self, count: int, mean: NDArray[np.float64], scatter: NDArray[np.float64]) -> None:
        if not count:
            return
        total = self._joined + count
        step = mean - self._mean
        self._scatter += scatter
        self._scatter += np.outer(step, step * (self._joined * count / total))
        self._mean = self._mean + step * (count / total)
        self._joined = total
