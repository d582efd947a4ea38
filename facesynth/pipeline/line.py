"""A stage at work: lookups ahead of what is computed, and results in the order of the items."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from facesynth.core.refs import Item, Result
from facesynth.pipeline.executor import Executor, Task
from facesynth.pipeline.finder import Finder, Miss
from facesynth.pipeline.maker import Maker

In = TypeVar("In")
Out = TypeVar("Out")

_CHUNK = 32
"""Items looked up by one task of a thread: a hit costs less than handing it over."""

_WINDOW = 1024
"""Results that may wait behind one that is not yet computed."""

_SLOW = 0.05
"""Seconds that the next item may take before items are said to come slowly, as from a run that computes them."""


class Line(Generic[In, Out]):
    """A stage at work: one slot an item, in order; the misses among them are left to the executor."""

    def __init__(
        self, maker: Maker[In, Out], executor: Executor, *, batch_size: int, workers: int, force: bool
    ) -> None:
        self._maker = maker
        self._batch_size = batch_size
        self._chunk, self._ahead = (1, batch_size) if maker.store is None else (_CHUNK, 2 * workers)
        self._cautious = 0  # so many more items are looked up one at a time: the last slow one is not long ago
        self._finder = Finder(maker, force=force)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=f"facesynth-{maker.name}")
        self._computing = executor.computing(Task(maker, self._finder, self._threads, batch_size, force))
        self._lookups: deque[Future[list[Result[Out] | Miss[In, Out]]]] = deque()
        self._slots: deque[Result[Out] | Miss[In, Out]] = deque()

    def __enter__(self) -> Line[In, Out]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lookup in self._lookups:
            lookup.cancel()
        self._computing.withdraw()
        try:
            self._threads.shutdown(wait=True)  # what is being published gets published
        except KeyboardInterrupt:  # the second one: no more than what each thread is at
            self._threads.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            self._maker.flush()

    def results(self, items: Iterator[Item[In]]) -> Iterator[Result[Out]]:
        """One an item, in their order."""
        while self._look_ahead(items):
            for found in self._lookups.popleft().result():
                self._slots.append(found)
                if isinstance(found, Miss):
                    self._computing.add(found, soon=self._cautious > 0)
                while self._slots and (len(self._slots) > _WINDOW or self._due(self._slots[0])):
                    yield self._first()
        while self._slots:
            yield self._first()

    def _look_ahead(self, items: Iterator[Item[In]]) -> bool:
        """Have the next items looked up: one at a time where they come slowly, or those that are there would wait."""
        while len(self._lookups) < (1 if self._cautious else self._ahead):
            chunk = self._next_chunk(items)
            if not chunk:
                break
            self._lookups.append(self._threads.submit(self._finder.find_all, chunk))
        return bool(self._lookups)

    def _next_chunk(self, items: Iterator[Item[In]]) -> list[Item[In]]:
        chunk: list[Item[In]] = []
        while len(chunk) < (1 if self._cautious else self._chunk):
            asked = time.perf_counter()
            item = next(items, None)
            if item is None:
                break
            chunk.append(item)
            if time.perf_counter() - asked > _SLOW:
                # They come by the batch: many at once, and then none for long.
                self._cautious = _CHUNK + self._batch_size
            elif self._cautious:
                self._cautious -= 1
        return chunk

    def _due(self, slot: Result[Out] | Miss[In, Out]) -> bool:
        """Whether to pass it on before the next item is asked for, which may take longer than publishing does."""
        return not isinstance(slot, Miss) or self._computing.ready(slot, soon=self._cautious > 0)

    def _first(self) -> Result[Out]:
        """The oldest slot's result, waited for where it is not there yet."""
        slot = self._slots.popleft()
        return self._computing.result(slot) if isinstance(slot, Miss) else slot
