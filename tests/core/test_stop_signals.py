"""Ctrl-C, SIGTERM and SIGHUP are one thing to a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from facesynth.core.stop_signals import (
    STOP_SIGNALS,
    handling_stop_signals,
    holding_stop_signals,
    ignore_stop_signals,
    interrupt_on_stop_signals,
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Each signal's handler as Python has it when a terminal starts it, and afterwards as it was."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_of_them_interrupts(number: signal.Signals) -> None:
    interrupt_on_stop_signals()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_what_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupt_on_stop_signals()
    signal.raise_signal(signal.SIGHUP)


def test_ignored_they_do_nothing() -> None:
    ignore_stop_signals()
    for number in STOP_SIGNALS:
        signal.raise_signal(number)


def test_a_handler_takes_those_that_fit_and_gives_them_back() -> None:
    taken: list[int] = []

    def take(number: int, frame: object) -> None:
        taken.append(number)

    def block() -> None:
        with handling_stop_signals(take, where=lambda before: before is signal.default_int_handler):
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        block()
    assert taken == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="nothing can be held back")
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_what_is_held_back_comes_after_the_block(number: signal.Signals) -> None:
    heard: list[int] = []
    signal.signal(number, lambda number, frame: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with holding_stop_signals():
        signal.raise_signal(number)
        assert not heard
    assert heard == [number] and signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="nothing can be held back")
def test_ignored_they_are_held_back_no_more_and_those_that_came_meanwhile_are_gone() -> None:
    with holding_stop_signals():
        signal.raise_signal(signal.SIGINT)
        ignore_stop_signals()
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(STOP_SIGNALS)


def test_where_nothing_can_be_held_back_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with holding_stop_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_another_thread_than_the_main_one_changes_nothing() -> None:
    def elsewhere() -> None:
        interrupt_on_stop_signals()
        with handling_stop_signals(signal.SIG_IGN):
            seen.extend(signal.getsignal(number) for number in STOP_SIGNALS)
        ignore_stop_signals()

    seen: list[object] = []
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(number) for number in STOP_SIGNALS] and signal.SIG_IGN not in seen


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no terminal to close")
def test_a_command_whose_terminal_was_closed_ends_in_order() -> None:
    """It gets SIGHUP, and what it says from then on goes nowhere."""
    code = (
        "import os, signal\nfrom facesynth.cli import doctor, main\n"
        "def diagnose(cache):\n"
        "    os.close(2)\n"
        "    os.open('/dev/full', os.O_WRONLY)\n"  # as the terminal's line: writing fails
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return iter(())\n"
        "doctor.diagnose = diagnose\nimport sys\nsys.argv[1:] = ['doctor']\nmain.main()"
    )
    if not os.path.exists("/dev/full"):
        pytest.skip("nothing that refuses to be written to")
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 130
