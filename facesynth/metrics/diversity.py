"""How far pictures of one label map lie from each other: nothing here measures, the distances come from outside."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import combinations
from typing import TypeVar

from facesynth.metrics.spread import MeanSd

Picture = TypeVar("Picture", bound=Hashable)


def mean_pairwise(distances: Mapping[tuple[Picture, Picture], float]) -> float:
    """Mean distance over all unordered pairs of pictures (say, seeds) of one label map.

    Each pair stands once, in either order. Raises ValueError for no pair, a picture paired with itself, a pair that
    stands twice or is absent, and a distance that is not finite.
    """
    held = {frozenset(pair) for pair in distances}
    if any(len(pair) < 2 for pair in held):
        raise ValueError("a picture's distance to itself says nothing of diversity")
    if len(held) < len(distances):
        raise ValueError("a pair of pictures stands twice, once in either order")
    pictures = {picture for pair in distances for picture in pair}
    absent = [pair for pair in combinations(pictures, 2) if frozenset(pair) not in held]
    if absent:
        raise ValueError(f"{len(absent)} of the pairs of {len(pictures)} pictures have no distance, one is {absent[0]}")
    return MeanSd.of(distances.values()).mean
