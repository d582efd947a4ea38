"""The pictures that a generator without label maps is scored by: which seeds, in which classes, found in the store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np

from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Done, Origin, Ref
from facesynth.core.styles import MAX_SEED
from facesynth.datasets.image_sets import ImageSet
from facesynth.inference.conditions import Told, settled
from facesynth.inference.residual_weights import ResidualWeights
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.jobs.sample import sample_item
from facesynth.stages.base import Stage
from facesynth.stages.sample import Sample, Wanted

COUNT = 5_000
"""Pictures that are painted where nobody says how many."""

_ROWS_STREAM = 2
"""Which of a seed's streams draws the image whose attributes a picture takes; that of classes is another."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Seeds to paint: `trials` sets of `count` each, one after the other from `first` on, none of which share a seed.

    UsageError for none, and for seeds that there are not.
    """

    count: int = COUNT
    first: int = 0
    trials: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.trials < 1:
            raise UsageError("no pictures to paint: --count and --trials are at least 1")
        if not 0 <= self.first <= MAX_SEED - self.count * self.trials + 1:
            raise UsageError(f"seeds are 0 to {MAX_SEED}: {self.told()} go beyond", hint="begin with a smaller one")

    @classmethod
    def asked(cls, seeds: tuple[int, int | None] | None, count: int | None, trials: int = 1) -> Sampling:
        """From what a user says: the first seed and the last of all sets (None: as far as it takes), a set's `count`.

        UsageError where the two disagree.
        """
        first, last = seeds or (0, None)
        if last is None:
            return cls(COUNT if count is None else count, first, trials)
        held = last - first + 1
        if count is None and held % trials:
            raise UsageError(f"{held:,} seeds are no {trials} sets of the same size", hint="give other --seeds")
        if count is not None and count * trials != held:
            what = f"--seeds are {held:,}, --count asks for {count * trials:,}"
            raise UsageError(what, hint=f"give one of them, or --seeds {first} to say where they begin")
        return cls(held // trials, first, trials)

    @property
    def sets(self) -> tuple[range, ...]:
        """The seeds of each set."""
        starts = (self.first + number * self.count for number in range(self.trials))
        return tuple(range(start, start + self.count) for start in starts)

    def told(self) -> str:
        """In words: `seeds 0 to 4999`, the first and the last of all sets."""
        return f"seeds {self.first} to {self.first + self.count * self.trials - 1}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What each seed is painted as: nothing, a class that it draws, or the attributes of a real image that it draws.

    The last where the generator has the attributes of the real images by name: single ones would be no such images.
    UsageError for a generator of attributes where the real images have not the same ones, in the same order.
    """

    told: ResidualWeights
    images: ImageSet

    def __post_init__(self) -> None:
        if self.told.multi and not self.by_attributes:
            what = "was trained with attributes, and the real images tell no such list of them"
            hint = "give --data the images that it was trained on, or others with the same attributes"
            raise UsageError(what, where=self.told.path, hint=hint)

    @property
    def by_attributes(self) -> bool:
        """Whether attributes are drawn along with the image that has them."""
        same = bool(self.told.classes) and self.told.classes == self.images.classes
        return bool(self.told.spec.classes) and self.images.multi and same

    def of(self, seed: int) -> Told:
        """The settled condition of a seed."""
        if not self.by_attributes:
            return settled(seed, None, self.told.spec.classes)
        row = int(np.random.default_rng([seed, _ROWS_STREAM]).integers(len(self.images)))
        target = self.images.target(row)
        assert isinstance(target, tuple)
        return settled(seed, [float(value) for value in target], self.told.spec.classes)

    def protocol(self) -> str:
        """How it is chosen, in words."""
        if self.by_attributes:
            return "attributes of a real image that the seed draws from the whole part"
        if self.told.spec.classes:
            return f"a class of {self.told.spec.classes} that the seed draws, all equally likely"
        return "no classes"


@dataclass(frozen=True, slots=True)
class Painting:
    """A generator's pictures. They are never held: each comes from the store, or is painted into it."""

    stage: Stage[Wanted, Sample]
    conditions: Conditions
    passes: Passes

    def pictures(
        self, seeds: range, looked: Callable[[int, Photo], None] | None = None, *, look_at: int = 0
    ) -> Generator[tuple[Ref[Photo], int], None, None]:
        """The pictures of these seeds, in order; `looked` is given the first `look_at` ones. Raises a seed's error."""
        origin = Origin(str(self.conditions.told.path))
        items = ((sample_item(seed, self.conditions.of(seed), origin), seed) for seed in seeds)
        with closing(self.passes.along(self.stage, items, force=self.passes.execution.force)) as results:
            for result, seed in results:
                if not isinstance(result, Done):
                    raise error_of(result)
                ref = result.ref
                if looked is not None and seed - seeds.start < look_at:
                    looked(seed, ref.load().picture)
                yield Ref(ref.digest, ref.origin, partial(_picture, ref)), seed


def _picture(made: Ref[Sample]) -> Photo:
    return made.load().picture


def drawn(images: ImageSet, count: int, seed: int) -> Iterator[int]:
    """The indices of so many images, or of all where there are no more, in order; drawn by `seed` among all."""
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    return (int(index) for index in np.sort(chosen))
