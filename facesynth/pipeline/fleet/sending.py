"""One run's misses on their way to workers and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from facesynth.core.errors import CacheError
from facesynth.core.refs import Result
from facesynth.pipeline.executor import Task
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN, failed
from facesynth.pipeline.finder import Miss
from facesynth.pipeline.fleet.batch import Batch, Piece
from facesynth.pipeline.fleet.orders import Asked, Kept, StageRecipe, Unread, packed
from facesynth.store import Entry

In = TypeVar("In")
Out = TypeVar("Out")

_SEEN_WITHIN = 30.0
"""Seconds until what another machine has written shows here: file systems on a network remember what was not there."""


class Sending(Generic[In, Out]):
    """Misses gathered to batches and sent; the results are looked up in the store, where workers have put them.

    What is wanted `soon` is sent like all else: a full batch waits for nothing here, whoever wants it.
    """

    def __init__(
        self, task: Task[In, Out], submit: Callable[[Batch], None], withdraw: Callable[[Collection[Batch]], None]
    ) -> None:
        self._task, self._submit, self._withdraw = task, submit, withdraw
        self._stage: bytes | None = None
        self._gathered: list[Piece] = []
        self._pieces: dict[int, Piece] = {}
        self._sent: dict[int, Batch] = {}

    def add(self, miss: Miss[In, Out], *, soon: bool) -> None:
        """Send it as soon as its batch is full: workers load and decode it themselves."""
        piece = self._pieces[id(miss)] = self._piece(miss)
        self._gathered.append(piece)
        if len(self._gathered) >= self._task.batch_size:
            self._send()

    def ready(self, miss: Miss[In, Out], *, soon: bool) -> bool:
        """Whether it is answered: others go on computing while the next items are looked up."""
        return self._pieces[id(miss)].answer.done()

    def result(self, miss: Miss[In, Out]) -> Result[Out]:
        """Its result. What turns out to be made of something damaged is sent again, once that is made anew here."""
        piece = self._pieces.pop(id(miss))
        if any(piece is waiting for waiting in self._gathered):
            self._send()
        answer = piece.answer.result()
        if isinstance(answer, Unread):
            mended = self._mended(miss)
            if not isinstance(mended, Miss):
                return mended
            piece = self._piece(miss)
            self._submit(self._batch([piece]))
            answer = piece.answer.result()
        if isinstance(answer, Unread):
            return failed(miss.ref.origin, answer.error)
        return self._kept(miss) if isinstance(answer, Kept) else answer

    def withdraw(self) -> None:
        """Have nothing more begun."""
        self._gathered.clear()
        self._withdraw(self._sent.values())

    def _send(self) -> None:
        pieces, self._gathered = self._gathered, []
        batch = self._batch(pieces)
        self._sent = {key: sent for key, sent in self._sent.items() if not sent.done()}
        self._sent[id(batch)] = batch
        self._submit(batch)

    def _batch(self, pieces: list[Piece]) -> Batch:
        maker = self._task.maker
        if self._stage is None:
            self._stage = packed(StageRecipe.of(maker.stage), maker.name)
        return Batch(maker.name, self._stage, pieces, self._task.replace)

    def _piece(self, miss: Miss[In, Out]) -> Piece:
        asked = Asked(miss.ref.origin, miss.ref.digest, miss.recipe.key(), miss.ref.load)
        return Piece(miss.ref.origin, packed(asked, self._task.maker.name))

    def _mended(self, miss: Miss[In, Out]) -> Result[Out] | Miss[In, Out]:
        try:
            miss.ref.load()
            return self._task.finder.find_again(miss)
        except OF_THE_RUN:
            raise
        except OF_THE_ITEM as error:
            return failed(miss.ref.origin, error)

    def _kept(self, miss: Miss[In, Out]) -> Result[Out]:
        entry = self._seen(miss)
        if self._task.maker.made is not None:
            self._task.maker.made.add(entry.key)
        return self._task.finder.answer(miss.ref, entry, cached=False)

    def _seen(self, miss: Miss[In, Out]) -> Entry:
        """What a worker has put in the store, as soon as it shows here. Raises CacheError where it does not."""
        store, recipe = self._task.maker.store, miss.recipe
        assert store is not None
        key, pause, until = recipe.key(), 0.01, time.monotonic() + _SEEN_WITHIN
        while (entry := store.lookup(recipe.stage, key)) is None:
            if time.monotonic() > until:
                what = "what a worker has put there cannot be seen here"
                raise CacheError(what, where=store.root, hint="let --cache be a folder that all machines share")
            time.sleep(pause)
            pause = min(1.0, 2 * pause)
        return entry
