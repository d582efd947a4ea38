"""How far two arms are apart: the difference of their means, and how far that spreads from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from facesynth.metrics.spread import MeanSd


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of one arm less that of the other, and its sd; None where an arm has one training alone.

    `seeds` are those that both were trained with, `apart` the differences at each. Where these are all seeds of both,
    the sd is the sample sd of `apart` (`paired`); else the root of the sum of both arms' variances.
    """

    mean: float
    sd: float | None
    paired: bool
    seeds: tuple[int, ...]
    apart: tuple[float, ...]


def difference(mine: Mapping[int, float], theirs: Mapping[int, float]) -> Difference:
    """The difference of two arms' numbers by seed, at least one of each."""
    seeds = tuple(sorted(mine.keys() & theirs.keys()))
    apart = tuple(mine[seed] - theirs[seed] for seed in seeds)
    if len(seeds) == len(mine) == len(theirs):
        return Difference(fmean(apart), MeanSd.of(apart).sd, True, seeds, apart)
    one, other = MeanSd.of(mine.values()), MeanSd.of(theirs.values())
    sd = None if one.sd is None or other.sd is None else math.hypot(one.sd, other.sd)
    return Difference(one.mean - other.mean, sd, False, seeds, apart)
