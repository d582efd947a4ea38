"""Runs of stages over all pictures of an evaluation, one after another: whatever is known already costs a look."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from facesynth.core.errors import FacesynthError, InputError
from facesynth.core.images import Photo
from facesynth.core.refs import Declined, Digest, Done, Failed, Item, Ref, Result
from facesynth.evaluation.pictures.feature_sets import FeatureFiles, FeatureSet
from facesynth.evaluation.pictures.subjects import LeftOut
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.jobs.session import Execution
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
    _made: set[Digest] = field(default_factory=set)

    def along(
        self, stage: Stage[In, Out], items: Iterable[tuple[Item[In], T]], *, force: bool = False
    ) -> Generator[tuple[Result[Out], T], None, None]:
        """Each item's result with what came along with the item, in order."""
        waiting: deque[T] = deque()

        def feed() -> Iterator[Item[In]]:
            with feeding(items) as source:
                for item, along in source:
                    waiting.append(along)
                    yield item

        how = self.execution
        results = run(
            stage,
            feed(),
            how.store,
            batch_size=how.batch_size,
            workers=how.workers,
            force=force,
            on_mended=lambda origin, message: how.progress.note(message),
            made=self._made,
        )
        with closing(results):
            for result in results:
                if isinstance(result, Done):
                    self.counts[result.cached] += 1
                yield result, waiting.popleft()

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
        self, stage: Stage[Photo, PictureFeatures], items: Iterable[tuple[Item[Photo], object]], folder: Path
    ) -> FeatureSet:
        """The features of pictures that were all read before, in files in `folder`, which is made."""
        files = FeatureFiles(folder)
        for ref, _ in self.scored(stage, items):
            files.add(ref.load())
        return files.finished()

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


def error_of(result: Declined | Failed) -> FacesynthError:
    """Why an item has no result."""
    return result.error if isinstance(result, Failed) else InputError(result.reason, where=result.origin.path)
