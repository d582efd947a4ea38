"""Counting a dataset while it goes by: sizes, classes, sides, persons, and a few faces to show. Memory stays small."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from facesynth.core.labels import NUM_LABELS
from facesynth.datasets.inspection.examination import Facts, Fault
from facesynth.datasets.inspection.target import Row

T = TypeVar("T")
Size: TypeAlias = tuple[int, int]

STRIP = 12
"""Random faces that are kept to be shown."""
EXAMPLES = 4
"""Random faces of each class that are kept to be shown."""


@dataclass(frozen=True, slots=True)
class Example:
    """A face to be shown."""

    name: str
    image: Path
    labels: Path | None


class Reservoir(Generic[T]):
    """A uniform sample of what goes by (algorithm R, Vitter 1985), the same for the same items."""

    def __init__(self, size: int, seed: int) -> None:
        self.chosen: list[T] = []
        self._size, self._seen, self._random = size, 0, random.Random(seed)

    def offer(self, item: T) -> None:
        self._seen += 1
        if len(self.chosen) < self._size:
            self.chosen.append(item)
        elif (place := self._random.randrange(self._seen)) < self._size:
            self.chosen[place] = item


@dataclass(slots=True)
class Side:
    """One side of a division: its images and pairs, and the faces that have each class."""

    images: int = 0
    pairs: int = 0
    faces_with: NDArray[np.int64] = field(default_factory=lambda: np.zeros(NUM_LABELS, np.int64))

    def add(self, facts: Facts) -> None:
        self.images += facts.size is not None
        self.pairs += facts.is_pair
        if facts.frequencies is not None:
            self.faces_with += facts.frequencies > 0


@dataclass(slots=True)
class Census:
    """What has been counted so far. `whole` counts all faces as if they were one side."""

    whole: Side = field(default_factory=Side)
    label_maps: int = 0
    labelled: int = 0
    """Faces that should have a label map, whether it can be read or not."""
    unlabelled: int = 0
    """Images that should have none."""
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(NUM_LABELS, np.int64))
    sizes: Counter[Size] = field(default_factory=Counter)
    label_sizes: Counter[Size] = field(default_factory=Counter)
    scaled: int = 0
    """Pairs whose label map has another size than the image, in the same shape."""
    divisions: dict[str, dict[str, Side]] = field(default_factory=dict)
    identities: dict[str, int] = field(default_factory=dict)
    """Where each person was seen: a bit for each of `places`."""
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    """The sides that there are, (division, side), each with its bit."""
    sided: Counter[str] = field(default_factory=Counter)
    """Faces on a side of each division, whether their files can be read or not."""
    faults: list[Fault] = field(default_factory=list)
    strip: Reservoir[Example] = field(default_factory=lambda: Reservoir(STRIP, 0))
    examples: tuple[Reservoir[Example], ...] = field(
        default_factory=lambda: tuple(Reservoir(EXAMPLES, label) for label in range(NUM_LABELS))
    )

    def add(self, row: Row, facts: Facts) -> None:
        """Take in one face."""
        self.whole.add(facts)
        self.label_maps += facts.label_size is not None
        self.labelled += row.labels is not None
        self.unlabelled += row.labels is None
        self.faults += facts.faults
        if facts.size is not None:
            self.sizes[facts.size] += 1
        if facts.label_size is not None and facts.frequencies is not None:
            self.label_sizes[facts.label_size] += 1
            self.pixels += facts.frequencies
        self.sided.update(row.sides.keys())
        for division, side in row.sides.items():
            self.divisions.setdefault(division, {}).setdefault(side, Side()).add(facts)
        if row.identity is not None:
            seen = self.identities.get(row.identity, 0)
            for place in row.sides.items():
                seen |= self.places.setdefault(place, 1 << len(self.places))
            self.identities[row.identity] = seen
        if facts.is_pair and facts.size != facts.label_size:
            self.scaled += not any(fault.kind == "other_shape" for fault in facts.faults)
        self._keep(row, facts)

    def shared_identities(self, division: str) -> int:
        """The number of persons who are on several sides of a division."""
        its = sum(bit for (name, _), bit in self.places.items() if name == division)
        return sum((seen & its).bit_count() > 1 for seen in self.identities.values())

    def _keep(self, row: Row, facts: Facts) -> None:
        if facts.size is None or row.image is None:
            return
        example = Example(row.name, row.image, row.labels if facts.is_pair else None)
        self.strip.offer(example)
        if facts.frequencies is not None:
            for label in np.flatnonzero(facts.frequencies):
                self.examples[label].offer(example)
