"""A process of ours: told, heard, and its end is told, whatever ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from facesynth.core import child
from facesynth.core.child import Child, End, answer
from facesynth.core.stop_signals import STOP_SIGNALS, ignore_stop_signals

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what a process ignores is read in /proc")


@pytest.fixture
def short_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lives on though it can be heard no more is not given long."""
    monkeypatch.setattr(child, "_LAST", 0.1)


class Heard:
    """A child, and what it has told, in order; its End last."""

    def __init__(self) -> None:
        self.told: SimpleQueue[Any] = SimpleQueue()
        self.child = Child("child", heard=self.hear, ended=self.told.put)

    def hear(self, message: object) -> None:
        if message == "refused":
            raise OSError("this is not heard")
        self.told.put(message)

    def next(self) -> Any:
        return self.told.get(timeout=60)


def echo(pipe: Connection, first: object) -> None:
    """Says `first`, then does what it is told: ends by a code, by a signal, or gives back."""
    ignore_stop_signals()
    pipe.send(first)
    while (message := pipe.recv()) is not None:
        if isinstance(message, signal.Signals):
            os.kill(os.getpid(), message)
        elif isinstance(message, int):
            sys.exit(message)
        pipe.send(message)


def late(pipe: Connection) -> None:
    """Hears its own stop signals only when it says so."""
    time.sleep(0.3)
    echo(pipe, "ready")


def deaf_and_dumb(pipe: Connection) -> None:
    """Closes its pipe, and lives on."""
    pipe.close()
    threading.Event().wait()


class Unreadable:
    """What no other process can read."""

    def __init__(self) -> None:
        self.home = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, (os.getpid(),)


def _refuse(pid: int) -> Unreadable:
    if os.getpid() != pid:
        raise ValueError("this is no message")
    return Unreadable()


def unreadable(pipe: Connection) -> None:
    """Says what cannot be read, and lives on."""
    pipe.send(Unreadable())
    threading.Event().wait()


def test_it_is_told_and_heard_in_order_and_its_end_comes_last() -> None:
    one = Heard()
    assert one.child.pid is None and one.child.wait(0), "nothing to wait for"
    one.child.start(echo, "first")
    for message in ("a", "b", 3):
        one.child.tell(message)
    assert [one.next() for _ in range(4)] == ["first", "a", "b", End(3)]
    assert one.child.wait(0) and str(End(3)) == "it ended with code 3"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_a_signal_that_ended_it_is_told_by_its_name() -> None:
    one = Heard()
    one.child.start(echo, "first")
    one.child.tell(signal.SIGKILL)
    assert (one.next(), one.next()) == ("first", End(-signal.SIGKILL))
    assert str(End(-signal.SIGKILL)) == "killed by SIGKILL, as when memory runs out"
    assert str(End(-signal.SIGSEGV)) == "killed by SIGSEGV" and str(End(-99)) == "killed by signal 99"


def test_one_that_is_finished_ends_in_its_own_time_and_is_not_heard_of() -> None:
    one = Heard()
    one.child.start(echo, "first")
    assert one.next() == "first"
    one.child.tell("unheard")
    one.child.finish()
    assert one.child.wait(60)
    assert one.told.empty() or (one.next() == "unheard" and one.told.empty())


@pytest.mark.usefixtures("short_last")
@pytest.mark.parametrize("work", [deaf_and_dumb, unreadable])
def test_one_that_cannot_be_heard_any_more_is_killed(work: Any) -> None:
    one = Heard()
    one.child.start(work)
    end = one.next()
    assert isinstance(end, End) and end.error is not None and "nothing could be passed on any more" in str(end)


@pytest.mark.usefixtures("short_last")
def test_one_whose_message_is_refused_or_cannot_be_sent_is_killed() -> None:
    refused, unsent = Heard(), Heard()
    refused.child.start(echo, "refused")
    unsent.child.start(echo, "first")
    end = refused.next()
    assert isinstance(end, End) and "this is not heard" in str(end)
    assert unsent.next() == "first"
    unsent.child.tell(lambda: None)
    end = unsent.next()
    assert isinstance(end, End) and "pickle" in str(end)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl-C reaches all of its processes")
def test_stop_signals_do_nothing_to_it_from_its_first_moment_on() -> None:
    one = Heard()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    one.child.start(late)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert one.child.pid is not None
    for number in STOP_SIGNALS:
        os.kill(one.child.pid, number)
    assert one.next() == "ready"
    for number in STOP_SIGNALS:
        os.kill(one.child.pid, number)
    one.child.tell("still there")
    assert one.next() == "still there"
    one.child.finish()
    assert one.child.wait(60)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such tracker")
def test_the_first_one_is_deaf_too_though_the_tracker_lets_signals_through_where_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from multiprocessing import resource_tracker
    from multiprocessing.context import SpawnProcess

    seen: list[set[signal.Signals]] = []

    def unblocking() -> None:  # as CPython's does, https://github.com/python/cpython/issues/110844
        seen.append(set())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def started(self: SpawnProcess) -> None:
        seen.append({signal.Signals(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, ())})
        raise OSError(11, "no process is to be had")

    monkeypatch.setattr(resource_tracker, "ensure_running", unblocking)
    monkeypatch.setattr(SpawnProcess, "start", started)
    one = Heard()
    with pytest.raises(OSError, match="no process"):
        one.child.start(echo, "first")
    tracker, held = seen
    assert not tracker and held >= set(STOP_SIGNALS) and one.child.pid is None and one.child.wait(0)


def test_each_message_is_answered_until_none_comes() -> None:
    ours, theirs = Pipe()
    with ThreadPoolExecutor(2) as threads:
        answering = threads.submit(answer, theirs, str.upper, threads)
        ours.send("a")
        assert ours.recv() == "A"
        ours.send(None)
        assert answering.result(60) is None


def test_nobody_to_answer_any_more_is_an_end_also_where_answers_lie_unread() -> None:
    """The system then says that the connection was reset, in place of its end."""
    ours, theirs = Pipe()
    with ThreadPoolExecutor(2) as threads:
        answering = threads.submit(answer, theirs, str.upper, threads)
        ours.send("a")
        assert ours.poll(60)
        ours.close()
        assert answering.result(60) is None


def raising(message: object) -> object:
    raise OSError("a bug") if message == "raise" else BrokenPipeError(f"no {message}")


def answering(pipe: Connection) -> None:
    ignore_stop_signals()
    os.close(2)  # its traceback is of no use here
    os.open(os.devnull, os.O_WRONLY)
    answer(pipe, lambda message: (lambda: None) if message == "unsendable" else raising(message), ThreadPoolExecutor(1))


@pytest.mark.parametrize("message", ["raise", "pipe", "unsendable"])
def test_a_process_that_cannot_answer_ends(message: str) -> None:
    one = Heard()
    one.child.start(answering)
    one.child.tell(message)
    assert one.next() == End(1)


@linux
def test_what_a_child_starts_hears_signals_again_unless_they_are_ignored() -> None:
    """It ignores them itself; were they held back for good, its own processes could not be asked to stop."""
    one = Heard()
    one.child.start(echo, "first")
    assert one.next() == "first"
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{one.child.pid}/status").read_text().splitlines())
    bits = sum(1 << (number - 1) for number in STOP_SIGNALS)
    assert int(status["SigIgn"], 16) & bits == bits and not int(status["SigBlk"], 16) & bits
    one.child.finish()
    assert one.child.wait(60)
