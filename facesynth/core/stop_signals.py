"""The signals that ask a command to stop: Ctrl-C, a queue's SIGTERM, and the SIGHUP of a terminal that goes away."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

STOP_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)  # Windows has no SIGHUP
)
"""All of them raise KeyboardInterrupt in a command; see `interrupt_on_stop_signals`."""


def interrupt_on_stop_signals() -> None:
    """Have each of them raise KeyboardInterrupt from now on, but those that whoever started us ignores, as nohup does.

    Only the main thread can; another one leaves everything as it is.
    """
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if number != signal.SIGINT and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)


def ignore_stop_signals() -> None:
    """Ignore all of them from now on, where this is the main thread; those that were held back are gone too."""
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextlib.contextmanager
def holding_stop_signals() -> Iterator[None]:
    """Inside the block none reaches this thread, nor a process that it starts before that one ignores them.

    A terminal sends Ctrl-C to a child as well, and one that comes while Python starts there would end it with a trace.
    Windows has no such thing: nothing is held there.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def handling_stop_signals(
    handler: Handler, *, where: Callable[[Handler], bool] = lambda before: before is not None
) -> Iterator[None]:
    """Inside the block have `handler` take those whose handler until now fits `where`: by default all set from Python.

    Only the main thread can; another one leaves everything as it is.
    """
    before: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if where(now := signal.getsignal(number)):
                before[number] = now
                signal.signal(number, handler)
    try:
        yield
    finally:
        for taken, handler_before in before.items():
            signal.signal(taken, handler_before)
