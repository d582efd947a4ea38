"""Runs of stages over all pictures of an evaluation, one after another: whatever is known already costs a look."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from facesynth.core.errors import FacesynthError, InputError
from facesynth.core.images import Photo
from facesynth.core.refs import Declined, Done, Failed, Item, Origin, PairRef, Ref, Result
from facesynth.evaluation.pictures.feature_sets import FeatureFiles, FeatureSet
from facesynth.evaluation.pictures.measures import Number
from facesynth.evaluation.subjects import LeftOut
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.jobs.evaluate.set_stages import SetMomentsStage, SetScoresStage
from facesynth.jobs.execution import Execution
from facesynth.metrics.moments import Moments
from facesynth.pipeline import feeding, run
from facesynth.stages.base import Stage

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

_TOLD = 20
"""Pictures that are left out and told of one by one; all of them are in evaluation.json."""


@dataclass(slots=True)
class Passes:
    """Runs stages through the store. `counts` has how many results came from the cache (True), and how many did not."""

    execution: Execution
    counts: Counter[bool] = field(default_factory=Counter)
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    def along(
        self, stage: Stage[In, Out], items: Iterable[tuple[Item[In], T]], *, force: bool = False, counted: bool = True
    ) -> Generator[tuple[Result[Out], T], None, None]:
        """Each item's result with what came along with the item, in order. Not `counted`: no network is at work."""
        waiting: deque[T] = deque()

        def feed() -> Iterator[Item[In]]:
            with feeding(items) as source:
                for item, along in source:
                    waiting.append(along)
                    yield item

        how = self.execution
        how.on_weights(stage.weights.values())
        results = run(
            stage,
            feed(),
            how.store,
            batch_size=how.batch_size,
            workers=how.workers,
            force=force,
            on_mended=partial(self._note_mended, counted=counted),
        )
        with closing(results):
            for result in results:
                if counted and isinstance(result, Done):
                    self.counts[result.cached] += 1
                yield result, waiting.popleft()

    def _note_mended(self, origin: Origin, message: str, *, counted: bool) -> None:
        """Tell that a cached result was damaged, and made anew: by a network, where that is counted."""
        if counted:
            self.counts[False] += 1
        self.execution.progress.note(message)

    def scored(
        self, stage: Stage[In, Out], items: Iterable[tuple[Item[In], T]], *, again: bool = False
    ) -> Generator[tuple[Ref[Out], T], None, None]:
        """The same for what must not fail: every item was read before. Raises the error of the first that does.

        `again`: to be looked at once more, which is neither computed again nor told.
        """
        with closing(self.along(stage, items, force=self.execution.force and not again)) as results:
            for result, along in results:
                if not isinstance(result, Done):
                    raise error_of(result)
                if not again:
                    self.execution.progress.advance()
                yield result.ref, along

    def feature_set(
        self,
        stage: Stage[Photo, PictureFeatures],
        items: Iterable[tuple[Item[Photo], object]],
        folder: Path,
        *,
        keep_moments: bool = False,
    ) -> FeatureSet:
        """The features of pictures that were all read before, in files in `folder`, which is made.

        With `keep_moments` the moments go through the store: for real sets, which many others are compared with.
        """
        with FeatureFiles(folder) as files, closing(self.scored(stage, items)) as results:
            for ref, _ in results:
                found = ref.load()
                if not np.isfinite(found.features).all():
                    raise FacesynthError("its features are not all finite numbers", where=ref.origin.path)
                files.add(found)
        return files.finished(self._kept_moments if keep_moments else None)

    def compare_sets(self, metric: str, real: FeatureSet, generated: FeatureSet) -> Mapping[str, Number]:
        """`compare_by` through the store: what the same features came to once is not computed again."""
        return self._one(SetScoresStage(metric), PairRef(_set_item(real), _set_item(generated)))

    def _kept_moments(self, pictures: FeatureSet) -> Moments:
        return self._one(SetMomentsStage(), _set_item(pictures))

    def _one(self, stage: Stage[In, Out], item: Item[In]) -> Out:
        """One result, which no network has a part in: it is not counted. Raises its error."""
        how = self.execution
        with closing(run(stage, [item], how.store, batch_size=1, workers=1, force=how.force)) as results:
            for result in results:
                if isinstance(result, Done):
                    return result.ref.load()
                raise error_of(result)
        raise AssertionError("a run has a result an item")

    def device(self, asked: str) -> str | None:
        """What networks ran on where so much was asked for; None where everything came from the cache."""
        if not self.counts[False]:
            return None
        from facesynth.inference.device import resolve_device  # torch, which computed

        return str(resolve_device(asked))

    def leave_out(self, name: str, file: str, error: FacesynthError) -> None:
        """Note a picture that cannot be used."""
        where = error.where or file
        found = LeftOut(name=name, file=where, reason=str(error).removeprefix(f"{where}: "))
        self.left_out[name] = found
        if len(self.left_out) <= _TOLD:
            self.execution.progress.note(f"left out {found.file}: {found.reason}")

    def require(self, count: int, where: str | Path) -> None:
        """Raise InputError where of `count` pictures none is left."""
        if (more := len(self.left_out) - _TOLD) > 0:
            self.execution.progress.note(f"… and {more} more were left out")
        if len(self.left_out) >= count:
            first = next(iter(self.left_out.values()), None)
            told = f", the first: {first.file}: {first.reason}" if first else ""
            raise InputError(f"none of {count} pictures could be used{told}", where=where)


def _set_item(pictures: FeatureSet) -> Ref[FeatureSet]:
    return Ref(pictures.digest, Origin("the set"), lambda: pictures)


def error_of(result: Declined | Failed) -> FacesynthError:
    """Why an item has no result, and where: an error that names no place lies in the item."""
    if isinstance(result, Declined):
        return InputError(result.reason, where=result.origin.path)
    if result.error.where is None:
        result.error.where = result.origin.path
    return result.error
