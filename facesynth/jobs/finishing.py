"""The last stage of a job: what it has finished is passed on, also when the user stops it."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from types import FrameType
from typing import TypeVar

from facesynth.core.refs import Done, Failed, Item
from facesynth.core.stop_signals import handling_stop_signals
from facesynth.jobs.session import Session, nameless
from facesynth.pipeline import feeding
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
    takes a result is not interrupted before he asks for the next; the second Ctrl-C interrupts wherever it comes. After
    an interrupt no item is passed over for one behind it, so that whoever groups items is never given half a group
    for a whole one.
    """
    waiting: deque[tuple[Item[In], T]] = deque()

    def feed() -> Iterator[tuple[Item[In], tuple[Item[In], T]]]:
        with feeding(items) as source:
            for pair in source:
                waiting.append(pair)
                yield pair[0], pair

    interrupts = _Interrupts()
    session.on_leaving(interrupts.let_go)
    with handling_stop_signals(interrupts.take, where=lambda before: before is signal.default_int_handler):
        try:
            run = session.run(stage, feed(), part=lambda pair: part(pair[1]), resultless=lambda pair: waiting.popleft())
            with closing(run) as results:  # closed, it has published what it computed
                for result, pair in results:
                    interrupts.held = True
                    waiting.popleft()
                    try:
                        yield result, pair[1]
                    finally:
                        interrupts.held = False
                    if interrupts.came:
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupts.came, interrupts.held = True, False
            for item, along in () if session.execution.dry_run else waiting:
                found = session.found(stage, item)
                # With --force, what the cache held before is not what was asked for.
                if found is None or (session.execution.force and not isinstance(found, Failed) and found.cached):
                    break
                if isinstance(found, Done):
                    yield found, along
            raise


class _Interrupts:
    """Takes the signals that raise KeyboardInterrupt; while `held`, the first one is only noted in `came`."""

    def __init__(self) -> None:
        self.held = self.came = False

    def let_go(self) -> None:
        """Hold none any more: whoever took the last result has ended, and not asked for the next."""
        self.held = False

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.held and not self.came:
            self.came = True
        else:
            raise KeyboardInterrupt
