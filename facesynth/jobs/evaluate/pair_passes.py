"""Pairs of pictures through all stages that compare them, side by side: each picture is read once for all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import repeat, tee
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo
from facesynth.core.refs import Declined, Digest, Done, Item, Origin, PairRef, Ref, Result
from facesynth.evaluation.pictures.pair_measures import PairScores
from facesynth.jobs.evaluate.pair_stages import PairStages
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.pipeline import feeding
from facesynth.stages.base import Stage

T = TypeVar("T")

Both = tuple[Item[Photo], Item[Photo]]


class Shared(Generic[T]):
    """An item that several ask for: identified once, and once it is loaded its value lives as long as the item.

    No lock is held while it loads, which may make a damaged artifact anew: two threads that come at the same time both
    load it, and either value will do.
    """

    __slots__ = ("_item", "_ref", "_value")

    def __init__(self, item: Item[T]) -> None:
        self._item = item
        self._ref: Ref[T] | None = None
        self._value: tuple[Digest, T] | None = None

    @property
    def origin(self) -> Origin:
        return self._item.origin

    def identify(self) -> Ref[T]:
        if self._ref is None:
            self._ref = self._item.identify()
        found = self._ref
        return Ref(found.identify().digest, found.origin, self.load, lambda: found.identify().digest)

    def load(self) -> T:
        """The value as its digest now says. Raises as the item's own `load` does."""
        ref = self._ref if self._ref is not None else self._item.identify()
        known = self._value
        if known is None or known[0] != ref.identify().digest:
            value = ref.load()
            known = self._value = ref.identify().digest, value
        return known[1]


def compared(
    passes: Passes, stages: PairStages, pairs: Iterable[tuple[Both, T]], *, known: Collection[int] = ()
) -> Generator[tuple[T, Callable[[], PairScores]], None, None]:
    """What came along with each pair (picture, reference), in order, with what reads its scores.

    Give items that are `Shared`, or each stage reads them again. `known` are the sides (0, 1) whose faces were
    described in this evaluation already: not even `force` does that again. Raises the error of the first pair that
    cannot be compared.
    """
    force = passes.execution.force
    measuring: tuple[Stage[tuple[Photo, Photo], float], ...] = (*stages.likeness, *stages.perceptual)
    with ExitStack() as stack:
        source = stack.enter_context(feeding(pairs))
        along, *copies = tee(source, 1 + len(measuring) + (2 if stages.faces is not None else 0))
        measured, described = [], []
        for stage, copy in zip(measuring, copies, strict=False):
            values = passes.along(stage, _as_pairs(copy), force=force)
            measured.append(stack.enter_context(closing(values)))
        if stages.faces is not None:
            for side, copy in enumerate(copies[-2:]):
                faces = passes.along(stages.faces, _one_side(copy, side), force=force and side not in known)
                described.append(stack.enter_context(closing(faces)))
        for (_, told), numbers, both in zip(along, _rows(measured), _rows(described), strict=False):
            scores = [_ref(one) for one in numbers]
            found = [None if isinstance(one, Declined) else _ref(one) for one in both]
            passes.execution.progress.advance()
            yield told, partial(_scores, stages, scores, found)


def _rows(runs: Sequence[Iterable[tuple[Result[T], None]]]) -> Iterator[list[Result[T]]]:
    """The runs' results side by side; nothing at all, as often as it is asked for, where there are no runs."""
    if not runs:
        yield from repeat([])
    for row in zip(*runs, strict=True):
        yield [result for result, _ in row]


def _as_pairs(pairs: Iterable[tuple[Both, object]]) -> Generator[tuple[PairRef[Photo, Photo], None], None, None]:
    for (picture, reference), _ in pairs:
        yield PairRef(picture, reference), None


def _one_side(pairs: Iterable[tuple[Both, object]], side: int) -> Generator[tuple[Item[Photo], None], None, None]:
    for both, _ in pairs:
        yield both[side], None


def _ref(result: Result[T]) -> Ref[T]:
    if isinstance(result, Done):
        return result.ref
    raise error_of(result)


def _scores(stages: PairStages, values: list[Ref[float]], faces: list[Ref[NDArray[np.float64]] | None]) -> PairScores:
    numbers = [value.load() for value in values]
    pixels = len(stages.likeness)
    described = [face.load() for face in faces if face is not None]
    return PairScores(
        dict(zip(stages.measures, numbers[:pixels], strict=True)),
        {one.name: number for one, number in zip(stages.extractors, numbers[pixels:], strict=True)},
        float(np.linalg.norm(described[0] - described[1])) if len(described) == 2 else None,
    )
