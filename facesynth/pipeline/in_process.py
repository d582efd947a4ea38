"""Computing in the calling thread, while other threads decode ahead and publish behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from facesynth.core.refs import Declined, Done, FileStamp, Outcome, Ref, Rejected, Result, sha256_bytes
from facesynth.pipeline.batches import outcomes
from facesynth.pipeline.executor import Task
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN, failed
from facesynth.pipeline.finder import Miss

In = TypeVar("In")
Out = TypeVar("Out")


class InProcess:
    """The executor of one process."""

    def computing(self, task: Task[In, Out]) -> InThisThread[In, Out]:
        """Make ready for the misses of one run."""
        return InThisThread(task)

    def told(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}


@dataclass(slots=True)
class _Slot(Generic[In, Out]):
    """A miss on its way: `value` while it is decoded, `result` once it is computed."""

    miss: Miss[In, Out]
    value: Future[In] | None = None
    result: Future[Result[Out]] | None = None


class InThisThread(Generic[In, Out]):
    """One run's misses, decoded and published by its threads, computed by the batch where they are added."""

    def __init__(self, task: Task[In, Out]) -> None:
        self._task = task
        self._slots: dict[int, _Slot[In, Out]] = {}
        self._decoding: deque[_Slot[In, Out]] = deque()
        self._publishing: deque[Future[Result[Out]]] = deque()

    def add(self, miss: Miss[In, Out], *, soon: bool) -> None:
        """Have it decoded; with two batches on their way, compute the first one while the second is being decoded.

        Where it is wanted soon there is time to decode it, and a batch is computed as soon as it is there.
        """
        slot = self._slots[id(miss)] = _Slot(miss, self._task.threads.submit(miss.ref.load))
        self._decoding.append(slot)
        if len(self._decoding) >= (1 if soon else 2) * self._task.batch_size:
            self._compute()

    def ready(self, miss: Miss[In, Out], *, soon: bool) -> bool:
        """Where items come slowly, waiting for what is being published takes less than the next one does."""
        result = self._slots[id(miss)].result
        return result is not None and (soon or result.done())

    def result(self, miss: Miss[In, Out]) -> Result[Out]:
        """Its result, waited for or, where its batch is not full, computed without more ado."""
        slot = self._slots[id(miss)]
        while slot.result is None:
            self._compute()
        del self._slots[id(miss)]
        return slot.result.result()

    def withdraw(self) -> None:
        """Decode nothing more."""
        for slot in self._decoding:
            if slot.value is not None:
                slot.value.cancel()

    def _compute(self) -> None:
        """Compute the next batch and have its results published."""
        slots, values = [], []
        for _ in range(min(self._task.batch_size, len(self._decoding))):
            slot = self._decoding.popleft()
            try:
                value = _taken(slot)
                self._identify_again(slot)
            except OF_THE_RUN:
                raise
            except OF_THE_ITEM as error:
                slot.result = _settled(failed(slot.miss.ref.origin, error))
            if slot.result is None:
                values.append(value)
                slots.append(slot)
        for slot, outcome in zip(slots, outcomes(self._task.maker, values), strict=True):
            if isinstance(outcome, Exception):
                slot.result = _settled(failed(slot.miss.ref.origin, outcome))
            else:
                slot.result = self._task.threads.submit(self._publish, slot.miss, outcome)
                self._publishing.append(slot.result)
        while len(self._publishing) > 2 * self._task.batch_size:
            wait([self._publishing.popleft()])

    def _identify_again(self, slot: _Slot[In, Out]) -> None:
        """Where its item was damaged and came out with other bytes, make it the miss (or the hit) of these.

        Else a result would be cached under the digest of bytes that it was not made of, for ever.
        """
        found = self._task.finder.find_again(slot.miss)
        if not isinstance(found, Miss):
            slot.result = _settled(found)

    def _publish(self, miss: Miss[In, Out], outcome: Outcome[Out]) -> Result[Out]:
        maker, finder, origin = self._task.maker, self._task.finder, miss.ref.origin
        if isinstance(outcome, Rejected):
            if maker.store is None:
                return Declined(origin, outcome.reason, cached=False)
            entry = maker.publish(miss.recipe, outcome, replace=self._task.replace)
            return finder.answer(miss.ref, entry, cached=False)
        try:
            files = maker.codec.write(outcome)
        except OF_THE_ITEM as error:
            return failed(origin, error)
        if maker.store is not None:
            entry = maker.publish(miss.recipe, files, replace=self._task.replace)
            return finder.answer(miss.ref, entry, cached=False)
        stamps = {name: FileStamp(len(data), sha256_bytes(data)) for name, data in files.items()}
        return Done(origin, Ref(stamps[maker.codec.main].digest, origin, lambda: outcome), False, stamps, None)


IN_PROCESS = InProcess()


def _taken(slot: _Slot[In, Out]) -> In:
    """The decoded value, which the slot gives away: it must not live as long as that."""
    value, slot.value = slot.value, None
    assert value is not None
    return value.result()


def _settled(result: Result[Out]) -> Future[Result[Out]]:
    future: Future[Result[Out]] = Future()
    future.set_result(result)
    return future
