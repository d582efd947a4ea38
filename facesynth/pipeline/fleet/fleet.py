"""Workers and what they are given: who computes which batch, and who does it where a worker dies."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from facesynth.core.errors import DeviceError, UsageError
from facesynth.pipeline.executor import Task
from facesynth.pipeline.fleet.batch import Batch
from facesynth.pipeline.fleet.bench import AHEAD
from facesynth.pipeline.fleet.hand import Hand, Silence
from facesynth.pipeline.fleet.orders import Answers, Ended
from facesynth.pipeline.fleet.sending import Sending
from facesynth.pipeline.fleet.worker import Worker

In = TypeVar("In")
Out = TypeVar("Out")

Note = Callable[[str], None]
"""Told a line that is worth it, from any thread."""

PATIENCE = 5
"""Deaths of a worker in a row, without a batch that it finished, until it is not started again."""

CONVICTED = 10
"""Items in a row that may fail for workers died over them, without a batch that is finished, until the run ends."""

QUIET = 600.0
"""Seconds that a worker may say nothing until that is told, with what it is at."""

LOST = 100
"""Deaths that a report names one by one; of the others it tells how many there were."""


class Fleet:
    """An executor of several workers, used as a context: they are started with the first batch and end with it.

    Runs that feed each other share it. What is computed is bounded by what workers have at hand and as much again that
    waits for them: then `submit` waits.
    """

    def __init__(
        self,
        crew: Callable[[], AbstractContextManager[Sequence[Worker]]],
        root: Path,
        *,
        kind: str,
        note: Note,
        quiet: float = QUIET,
    ) -> None:
        """`crew` lends the workers, once there is something to compute, `root` is the store's that they keep results
        in, `kind` what a report calls them; `note` is told of each that dies, or says nothing for `quiet` seconds, and
        again after twice that and so on; from any thread."""
        self._crew, self._root, self._kind, self._note, self._quiet = crew, root, kind, note, quiet
        self._hands: list[Hand] = []
        self._size, self._number = 0, 0
        self._over = ExitStack()
        self._waiting: deque[Batch] = deque()
        self._lost: list[dict[str, str]] = []
        self._deaths, self._convicted = 0, 0
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
                self._changed.notify_all()
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
            told = {"executor": self._kind, "workers": self._size, "lost": list(self._lost)}
            return told | ({"lost_in_all": self._deaths} if self._deaths > len(self._lost) else {})

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
                hand.silence.broken(time.monotonic())
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
            hand.deaths = self._convicted = 0
            hand.silence.broken(time.monotonic())
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
            parts = [batch.after_death(why) for batch in at_work]
            again = [part for each in parts for part in each]
            convicted = sum(not each for each in parts)
            self._convicted += convicted
            hand.deaths = 0 if convicted else hand.deaths + 1  # where an item is at fault, the worker is not
            self._waiting.extendleft(reversed(again))
            self._deaths += 1
            if len(self._lost) < LOST:
                self._lost.append({"worker": worker.name, "why": why})
            if over := hand.deaths >= PATIENCE:
                self._hands.remove(hand)
            else:
                self._begin(hand)
            hint = "use fewer --devices or a smaller --batch-size, and look at the memory"
            if not self._hands:
                told = f"all {self._size} workers have died again and again, the last one {why}"
                self._end(DeviceError(told, hint=hint))
            elif self._convicted >= CONVICTED:
                told = f"workers have died over each of {self._convicted} items in a row, the last one {why}"
                self._end(DeviceError(told, hint=hint))
            self._share_out()
        what = f"while it computed {'; '.join(map(str, at_work))}" if at_work else "with nothing at hand"
        self._note(f"{worker.name} died {what} ({why}); {_then(over, bool(again))}")

    def _start(self) -> None:
        if not self._size:
            now = time.monotonic()
            crew = self._over.enter_context(self._crew())
            self._hands = [Hand(worker, Silence(self._quiet, now)) for worker in crew]
            self._size = len(self._hands)
            threading.Thread(target=self._listen_for_silence, name="facesynth-silence", daemon=True).start()
            for hand in self._hands:
                self._begin(hand)

    def _begin(self, hand: Hand) -> None:
        hand.silence.broken(time.monotonic())
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
                if not hand.at_work:
                    hand.silence.broken(time.monotonic())
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

    def _listen_for_silence(self) -> None:
        """Tell of workers that say nothing, until this is over."""
        while True:
            with self._changed:
                if not self._hands:
                    return
                self._changed.wait(min(hand.silence.next for hand in self._hands) / 10)
                late = [line for hand in self._hands if (line := hand.late(time.monotonic())) is not None]
            for line in late:
                self._note(line)

    def _hand(self, worker: Worker) -> Hand | None:
        return next((hand for hand in self._hands if hand.worker is worker), None)


def _then(over: bool, again: bool) -> str:
    """What happens after a death."""
    work = "its work is done by others" if over else "it is started again"
    return f"{work}, and what it was at is tried again" if again else work
