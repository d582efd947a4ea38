"""Workers and what they are given: who computes which batch, and who does it where a worker dies."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from facesynth.core.errors import DeviceError, UsageError
from facesynth.pipeline.executor import Task
from facesynth.pipeline.fleet.batch import Batch
from facesynth.pipeline.fleet.bench import AHEAD
from facesynth.pipeline.fleet.orders import Answers, Ended, Order
from facesynth.pipeline.fleet.sending import Sending

In = TypeVar("In")
Out = TypeVar("Out")

Note = Callable[[str], None]
"""Told a line that is worth it, from any thread."""

PATIENCE = 5
"""Deaths of a worker in a row, without a batch that it finished, until it is not started again."""


class Worker(Protocol):
    """Another process that computes, wherever it runs. None of these waits for it."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def start(self, listener: Listener) -> None:
        """Start it, also again where it has died; the listener hears of it from other threads, `ended` once, last."""
        ...

    def give(self, order: Order) -> None:
        """Have it compute a batch beside what it computes already."""
        ...

    def stop(self) -> None:
        """End it at once, where it is started; of this its listener hears nothing."""
        ...

    def join(self) -> None:
        """Wait until it is gone, a moment at most; then it is killed."""
        ...


class Listener(Protocol):
    """Who hears of workers."""

    def ready(self, worker: Worker) -> None:
        """It can compute."""

    def unready(self, worker: Worker, error: Exception) -> None:
        """It can not, and started anew it could not either."""

    def answered(self, worker: Worker, answers: Answers | Ended) -> None:
        """An order that it was given is done."""

    def ended(self, worker: Worker, why: str) -> None:
        """It is gone, and with it what it was computing."""


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker as the fleet sees it."""

    worker: Worker
    ready: bool = False
    at_work: dict[int, Batch] = field(default_factory=dict)
    deaths: int = 0


class Fleet:
    """An executor of several workers, used as a context: they are started with the first batch and end with it.

    Runs that feed each other share it. What is computed is bounded by what workers have at hand and as much again that
    waits for them: then `submit` waits.
    """

    def __init__(
        self, crew: Callable[[], AbstractContextManager[Sequence[Worker]]], root: Path, *, kind: str, note: Note
    ) -> None:
        """`crew` lends the workers, once there is something to compute, `root` is the store's that they keep results
        in, `kind` what a report calls them; `note` is told of each that dies, from any thread."""
        self._crew, self._root, self._kind, self._note = crew, root, kind, note
        self._hands: list[_Hand] = []
        self._size, self._number = 0, 0
        self._over = ExitStack()
        self._waiting: deque[Batch] = deque()
        self._lost: list[dict[str, str]] = []
        self._error: Exception | None = None
        self._changed = threading.Condition(threading.RLock())

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._over:
            with self._changed:
                hands, self._hands = self._hands, []
            for hand in hands:
                hand.worker.stop()
            for hand in hands:
                hand.worker.join()

    def computing(self, task: Task[In, Out]) -> Sending[In, Out]:
        """Make ready for the misses of one run. Raises UsageError for a run whose results are kept elsewhere."""
        if task.maker.store is None or task.maker.store.root != self._root:
            raise UsageError(f"the workers keep their results in {self._root}, and this run in another store, or none")
        return Sending(task, self.submit, self.withdraw)

    def told(self) -> Mapping[str, Any]:
        """How many workers there are, and which of them died and why; nothing where none was needed."""
        with self._changed:
            if not self._size:
                return {"executor": self._kind}
            return {"executor": self._kind, "workers": self._size, "lost": list(self._lost)}

    def submit(self, batch: Batch) -> None:
        """Have a batch computed; waits while there is enough to do. Raises what has ended the run."""
        with self._changed:
            self._start()
            self._changed.wait_for(lambda: self._error is not None or len(self._waiting) < len(self._hands))
            if self._error is not None:
                raise self._error
            self._waiting.append(batch)
            self._share_out()

    def withdraw(self, batches: Collection[Batch]) -> None:
        """Leave out what nobody has begun of these."""
        with self._changed:
            unwanted = {piece for batch in batches for piece in batch.pieces}
            self._waiting = deque(batch for batch in self._waiting if not unwanted.issuperset(batch.pieces))
            self._changed.notify_all()

    def ready(self, worker: Worker) -> None:
        """It can compute."""
        with self._changed:
            if hand := self._hand(worker):
                hand.ready = True
                self._share_out()

    def unready(self, worker: Worker, error: Exception) -> None:
        """It can not, and no other could either, or would do what is asked for."""
        with self._changed:
            if self._hand(worker):
                self._end(error)

    def answered(self, worker: Worker, answers: Answers | Ended) -> None:
        """An order that it was given is done."""
        with self._changed:
            hand = self._hand(worker)
            batch = hand.at_work.pop(answers.number, None) if hand else None
            if hand is None or batch is None:
                return
            hand.deaths = 0
            if isinstance(answers, Ended):
                batch.end(answers.error)
            else:
                batch.settle(list(answers.each))
            self._share_out()

    def ended(self, worker: Worker, why: str) -> None:
        """Have others do what it was at, and start it anew where that has not gone wrong again and again."""
        with self._changed:
            hand = self._hand(worker)
            if hand is None:
                return
            at_work, hand.at_work, hand.ready = list(hand.at_work.values()), {}, False
            hand.deaths += 1
            again = [part for batch in at_work for part in batch.after_death(why)]
            self._waiting.extendleft(reversed(again))
            self._lost.append({"worker": worker.name, "why": why})
            if over := hand.deaths >= PATIENCE:
                self._hands.remove(hand)
            else:
                self._begin(hand)
            if not self._hands:
                told = f"all {self._size} workers have died again and again, the last one {why}"
                self._end(
                    DeviceError(told, hint="use fewer --devices or a smaller --batch-size, and look at the memory")
                )
            self._share_out()
        what = f"while it computed {'; '.join(map(str, at_work))}" if at_work else "with nothing at hand"
        self._note(f"{worker.name} died {what} ({why}); {_then(over, bool(again))}")

    def _start(self) -> None:
        if not self._size:
            self._hands = [_Hand(worker) for worker in self._over.enter_context(self._crew())]
            self._size = len(self._hands)
            for hand in self._hands:
                self._begin(hand)

    def _begin(self, hand: _Hand) -> None:
        try:
            hand.worker.start(self)
        except Exception as error:  # noqa: BLE001 - no memory, no more processes, Ray gone: whoever waits has to hear
            self._end(DeviceError(f"{hand.worker.name} cannot be started ({error})", hint="use fewer --devices"))

    def _share_out(self) -> None:
        """Give those who are ready what waits, first to those who have nothing at hand. A suspect is given alone."""
        for most in range(AHEAD):
            for hand in self._hands:
                if not (hand.ready and self._waiting) or len(hand.at_work) != most:
                    continue
                if any(batch.suspect for batch in hand.at_work.values()):
                    continue
                if self._waiting[0].suspect and hand.at_work:
                    continue  # it has this one next, or another hand that is free sooner
                batch = self._waiting.popleft()
                self._number += 1
                hand.at_work[self._number] = batch
                hand.worker.give(batch.order(self._number))
        self._changed.notify_all()

    def _end(self, error: Exception) -> None:
        """Have all who wait for something raise this."""
        self._error = error
        for batch in [*self._waiting, *(batch for hand in self._hands for batch in hand.at_work.values())]:
            batch.end(error)
        self._waiting.clear()
        for hand in self._hands:
            hand.at_work.clear()
        self._changed.notify_all()

    def _hand(self, worker: Worker) -> _Hand | None:
        return next((hand for hand in self._hands if hand.worker is worker), None)


def _then(over: bool, again: bool) -> str:
    """What happens after a death."""
    work = "its work is done by others" if over else "it is started again"
    return f"{work}, and what it was at is tried again" if again else work
