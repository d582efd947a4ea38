"""What a worker does with an order, wherever it runs: load its items, compute them, publish the results."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from facesynth.core.errors import CacheError, WeightsError
from facesynth.core.refs import Failed, Outcome, Rejected
from facesynth.pipeline.batches import outcomes
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN, failed
from facesynth.pipeline.fleet.orders import (
    Answer,
    Answers,
    Asked,
    Ended,
    Kept,
    Order,
    StageRecipe,
    Unread,
    sendable,
    unpacked,
)
from facesynth.pipeline.maker import Maker
from facesynth.store import ArtifactStore

T = TypeVar("T")

AHEAD = 2
"""Orders that a worker has at once: while one is computed, the next is loaded and the one before is published."""


class Bench:
    """A worker's stages, each made when it is first asked for, and the store that their results go to.

    AHEAD threads may call it; stages are called by one thread of its own, which networks stay warm in.
    """

    def __init__(self, root: Path, device: Callable[[], str], threads: int) -> None:
        """`device` settles it, before the first stage is made that has any; `threads` read, decode, encode, write."""
        self._store = ArtifactStore(root, noted=False)
        self._device = cache(device)
        self._makers: dict[bytes, Maker[Any, Any]] = {}
        self._making = threading.Lock()
        self._files = ThreadPoolExecutor(threads, thread_name_prefix="facesynth-files")
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="facesynth-compute")
        self._publishing = threading.Condition()
        self._now_publishing, self._resting = 0, False

    def __call__(self, order: Order) -> Answers | Ended:
        """One answer an item, or what ends the run. Raises nothing."""
        try:
            return Answers(order.number, self._answers(order))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where the run is
            return Ended(order.number, sendable(error))

    def end(self) -> None:
        """End this process without more ado, but not in the middle of publishing a result."""
        self.rest()
        os._exit(0)

    def rest(self) -> None:
        """Wait until nothing is being published, and see that nothing is any more: who stops here may be killed."""
        with self._publishing:
            self._resting = True
            self._publishing.wait_for(lambda: not self._now_publishing)

    def _answers(self, order: Order) -> list[Answer]:
        maker = self._maker(order.stage)
        asked: list[Asked] = [unpacked(item) for item in order.items]
        for one in asked:
            if maker.recipe(one.digest).key() != one.key:
                what = f"the stage {maker.name} is another one in a worker than in the process that sent it"
                raise WeightsError(what, hint="see that all have the same version and weights, and run again")
        loaded = list(self._files.map(_loaded, asked))
        there = [place for place, value in enumerate(loaded) if not isinstance(value, Failed | Unread)]
        values = [loaded[place] for place in there]
        computed = self._computing.submit(outcomes, maker, values).result()
        answers: list[Answer] = [value if isinstance(value, Failed | Unread) else Kept() for value in loaded]
        del loaded, values
        kept = self._files.map(
            lambda place, outcome: self._kept(maker, asked[place], outcome, order.replace), there, computed
        )
        for place, answer in zip(there, kept, strict=True):
            answers[place] = answer
        return answers

    def _maker(self, stage: bytes) -> Maker[Any, Any]:
        with self._making:
            if stage not in self._makers:
                recipe: StageRecipe = unpacked(stage)
                self._makers[stage] = Maker(recipe.made(self._device), self._store, mends=False)
            return self._makers[stage]

    def _kept(self, maker: Maker[Any, Any], asked: Asked, outcome: Outcome[Any] | Exception, replace: bool) -> Answer:
        if isinstance(outcome, Exception):
            return failed(asked.origin, outcome)
        try:
            result = outcome if isinstance(outcome, Rejected) else maker.codec.write(outcome)
        except OF_THE_ITEM as error:
            return failed(asked.origin, error)
        self._undisturbed(lambda: maker.publish(maker.recipe(asked.digest), result, replace=replace))
        return Kept()

    def _undisturbed(self, work: Callable[[], T]) -> T:
        """What `work` gives; this process does not end meanwhile."""
        with self._publishing:
            self._publishing.wait_for(lambda: not self._resting)
            self._now_publishing += 1
        try:
            return work()
        finally:
            with self._publishing:
                self._now_publishing -= 1
                self._publishing.notify_all()


def _loaded(asked: Asked) -> Any:
    try:
        return asked.load()
    except OF_THE_RUN:
        raise
    except CacheError as error:
        return Unread(error)
    except OF_THE_ITEM as error:
        return failed(asked.origin, error)
