"""The last stage of a job: what it has finished is passed on, also when the user stops it."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from types import FrameType, TracebackType
from typing import Any, TypeVar

from facesynth.core.refs import Done, Item
from facesynth.jobs.session import Session, nameless
from facesynth.pipeline import find
from facesynth.stages.base import Stage

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")


def finishing(
    session: Session,
    stage: Stage[In, Out],
    items: Iterable[tuple[Item[In], T]],
    *,
    part: Callable[[T], str | None] = nameless,
) -> Generator[tuple[Done[Out], T], None, None]:
    """`session.run`; on Ctrl-C also what was computed but still waited for its turn, and only then the interrupt.

    Results keep the order of their items and are computed by the batch, so one or two batches may be waiting. Whoever
    takes a result is not interrupted before he asks for the next; the second Ctrl-C interrupts wherever it comes.
    """
    waiting: deque[tuple[Item[In], T]] = deque()

    def feed() -> Generator[tuple[Item[In], tuple[Item[In], T]], None, None]:
        try:
            for pair in items:
                waiting.append(pair)
                yield pair[0], pair
        finally:
            if isinstance(items, Generator):
                items.close()  # the runs that feed this one end with it

    with _Interrupts() as interrupts:
        try:
            with closing(
                session.run(stage, feed(), part=lambda pair: part(pair[1]))
            ) as results:  # closed, it has published what it computed
                for result, pair in results:
                    interrupts.held = True
                    while waiting.popleft() is not pair:
                        pass  # that one was rejected, or failed
                    yield result, pair[1]
                    interrupts.held = False
                    if interrupts.came:
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupts.came, interrupts.held = True, False
            how = session.execution
            if not how.force:  # what the cache held before is not what was asked for
                for item, along in waiting:
                    if isinstance(found := find(stage, item, how.store), Done):
                        yield found, along
            raise


class _Interrupts:
    """The signals that raise KeyboardInterrupt; while `held`, the first one is only noted in `came`."""

    def __init__(self) -> None:
        self.held = self.came = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if (handler := signal.getsignal(number)) is signal.default_int_handler:
                    self._before[number] = handler
                    signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.held and not self.came:
            self.came = True
        else:
            raise KeyboardInterrupt
