"""A stage at work: lookups and decoding ahead, batches computed, results published behind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, TypeVar

from facesynth.core.refs import Declined, Done, FileStamp, Item, Outcome, Ref, Rejected, Result, sha256_bytes
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN, failed
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
    """A stage at work: one slot an item, in order; the misses among them are decoded, computed and published."""

    def __init__(self, maker: Maker[In, Out], batch_size: int, workers: int, force: bool) -> None:
        self._maker = maker
        self._batch_size = batch_size
        self._force = force
        self._chunk, self._ahead = (1, batch_size) if maker.store is None else (_CHUNK, 2 * workers)
        self._cautious = 0  # so many more items are looked up one at a time: the last slow one is not long ago
        self._finder = Finder(maker, force=force)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=f"facesynth-{maker.name}")
        self._lookups: deque[Future[list[Result[Out] | Miss[In, Out]]]] = deque()
        self._slots: deque[Result[Out] | Miss[In, Out]] = deque()
        self._decoding: deque[Miss[In, Out]] = deque()
        self._publishing: deque[Future[Result[Out]]] = deque()

    def __enter__(self) -> Line[In, Out]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lookup in self._lookups:
            lookup.cancel()
        for miss in self._decoding:
            if miss.value is not None:
                miss.value.cancel()
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
                    self._decode(found)
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
                self._cautious = (
                    _CHUNK + self._batch_size
                )  # they come by the batch: many at once, and then none for long
            elif self._cautious:
                self._cautious -= 1
        return chunk

    def _due(self, slot: Result[Out] | Miss[In, Out]) -> bool:
        """Whether to pass it on before the next item is asked for, which may take longer than publishing does."""
        if not isinstance(slot, Miss):
            return True
        return slot.result is not None and (self._cautious > 0 or slot.result.done())

    def _decode(self, miss: Miss[In, Out]) -> None:
        """Have it decoded; with two batches on their way, compute the first one while the second is being decoded.

        Where items come slowly there is time to decode them, and a batch is computed as soon as it is there.
        """
        miss.value = self._threads.submit(miss.ref.load)
        self._decoding.append(miss)
        if len(self._decoding) >= (1 if self._cautious else 2) * self._batch_size:
            self._compute()

    def _first(self) -> Result[Out]:
        """The oldest slot's result, waited for or, where its batch is not full, computed without more ado."""
        slot = self._slots.popleft()
        if not isinstance(slot, Miss):
            return slot
        while slot.result is None:
            self._compute()
        return slot.result.result()

    def _compute(self) -> None:
        """Compute the next batch and have its results published."""
        misses, values = [], []
        for _ in range(min(self._batch_size, len(self._decoding))):
            miss = self._decoding.popleft()
            try:
                value = _taken(miss)
                self._identify_again(miss)
            except OF_THE_RUN:
                raise
            except OF_THE_ITEM as error:
                miss.result = _settled(failed(miss.ref.origin, error))
            if miss.result is None:
                values.append(value)
                misses.append(miss)
        for miss, outcome in zip(misses, self._outcomes(values), strict=True):
            if isinstance(outcome, Exception):
                miss.result = _settled(failed(miss.ref.origin, outcome))
            else:
                miss.result = self._threads.submit(self._publish, miss, outcome)
                self._publishing.append(miss.result)
        while len(self._publishing) > 2 * self._batch_size:
            wait([self._publishing.popleft()])

    def _identify_again(self, miss: Miss[In, Out]) -> None:
        """Where its item was damaged and came out with other bytes, make it the miss (or the hit) of these.

        Else a result would be cached under the digest of bytes that it was not made of, for ever.
        """
        ref = miss.ref.identify()
        if ref.digest != miss.ref.digest:
            found = self._finder.find(ref)
            if isinstance(found, Miss):
                miss.ref, miss.recipe = found.ref, found.recipe
            else:
                miss.result = _settled(found)

    def _outcomes(self, values: list[In]) -> list[Outcome[Out] | Exception]:
        """What the stage says to a batch; where that raises, to each item of it alone."""
        if not values:
            return []
        try:
            return list(self._maker(values))
        except OF_THE_RUN:
            raise
        except OF_THE_ITEM as error:
            if len(values) == 1:
                return [error]
        return [outcome for value in values for outcome in self._outcomes([value])]

    def _publish(self, miss: Miss[In, Out], outcome: Outcome[Out]) -> Result[Out]:
        origin, codec = miss.ref.origin, self._maker.codec
        if isinstance(outcome, Rejected):
            if self._maker.store is None:
                return Declined(origin, outcome.reason, cached=False)
            entry = self._maker.publish(miss.recipe, outcome, replace=self._force)
            return self._finder.answer(miss.ref, entry, cached=False)
        try:
            files = codec.write(outcome)
        except OF_THE_ITEM as error:
            return failed(origin, error)
        if self._maker.store is not None:
            entry = self._maker.publish(miss.recipe, files, replace=self._force)
            return self._finder.answer(miss.ref, entry, cached=False)
        stamps = {name: FileStamp(len(data), sha256_bytes(data)) for name, data in files.items()}
        return Done(origin, Ref(stamps[codec.main].digest, origin, lambda: outcome), False, stamps, None)


def _taken(miss: Miss[In, Out]) -> In:
    """The decoded value, which the miss gives away: it must not live as long as the slot."""
    value, miss.value = miss.value, None
    assert value is not None
    return value.result()


def _settled(result: Result[Out]) -> Future[Result[Out]]:
    future: Future[Result[Out]] = Future()
    future.set_result(result)
    return future
