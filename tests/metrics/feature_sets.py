"""Sets of features with the mean and covariance that a test wants, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facesynth.metrics.moments import Moments


def gaussian(mean: ArrayLike, covariance: ArrayLike, count: int = 50, seed: int = 0) -> NDArray[np.float64]:
    """`count`×D features whose own mean and unbiased covariance are the given ones, up to rounding."""
    target = np.asarray(mean, dtype=np.float64)
    drawn = np.random.default_rng(seed).normal(size=(count, len(target)))
    centred = drawn - drawn.mean(axis=0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred, rowvar=False).reshape(len(target), -1))).T
    return np.asarray(white @ np.linalg.cholesky(np.asarray(covariance, dtype=np.float64)).T + target)


def noise(count: int, dim: int, seed: int) -> NDArray[np.float32]:
    """`count`×`dim` float32 features drawn from a standard normal."""
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def moments_of(features: NDArray[Any]) -> Moments:
    """Their moments, added in one block."""
    moments = Moments(features.shape[1])
    moments.add(features)
    return moments


def mapped(features: NDArray[Any], path: Path) -> NDArray[Any]:
    """The same features, mapped read-only from a file."""
    features.tofile(path)
    return np.memmap(path, dtype=features.dtype, mode="r", shape=features.shape)
