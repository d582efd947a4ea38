"""A mean and how far the values lie from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class MeanSd:
    """The mean of `count` values and their SAMPLE standard deviation (divided by count - 1); None for one value."""

    mean: float
    sd: float | None
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> MeanSd:
        """Mean and sample sd of finite numbers. Raises ValueError for none, and for NaN or infinity among them."""
        held = np.fromiter(values, dtype=np.float64)
        if not held.size:
            raise ValueError("there is no mean of no values")
        if not np.isfinite(held).all():
            raise ValueError(f"{int((~np.isfinite(held)).sum())} of {held.size} values are not finite")
        return cls(float(held.mean()), float(held.std(ddof=1)) if held.size > 1 else None, held.size)

    @classmethod
    def of_population(cls, mean: float, population_sd: float, count: int) -> MeanSd:
        """The same from an sd that was divided by count, as numpy and torch-fidelity do."""
        return cls(mean, population_sd * math.sqrt(count / (count - 1)) if count > 1 else None, count)
