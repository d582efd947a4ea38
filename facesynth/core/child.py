"""A process that this one starts: it is deaf to the signals that stop this one, is told things, heard, and outlived."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

from facesynth.core.stop_signals import holding_stop_signals

_LAST = 3.0
"""Seconds in which a process ends after the last that is heard of it; then it is killed."""

_OVER = object()
"""In place of a message: there are no more."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: its code, or minus the signal's number; None where the system does not say.

    `error` is why it was killed here: what it said, or what it was to be told, could not be passed on.
    """

    code: int | None
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"nothing could be passed on any more ({type(self.error).__name__}: {self.error})"
        if self.code is None or self.code >= 0:
            return f"it ended with code {self.code}"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-self.code).name
            return f"killed by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
        return f"killed by signal {-self.code}"


class Child:
    """One process, from its start to its end. All methods return at once, but `wait`.

    A thread of its own calls `heard` with each message that it sends, and then `ended`, once: also where a message
    cannot be read or sent, or `heard` raises, for then it is killed.
    """

    def __init__(self, name: str, *, heard: Callable[[Any], None], ended: Callable[[End], None]) -> None:
        self._name, self._heard, self._ended = name, heard, ended
        self._process: SpawnProcess | None = None
        self._messages: SimpleQueue[object] = SimpleQueue()
        self._error: Exception | None = None
        self._unheard = False
        self._over = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process's id; None before it is started."""
        return self._process.pid if self._process else None

    def start(self, work: Callable[..., object], *arguments: object) -> None:
        """Start it: `work`, a function that can be imported by its name, is called with its end of the pipe first.

        It has to call `ignore_stop_signals` first of all: until then they are held back. Raises what keeps the machine
        from starting it (OSError, RuntimeError): then nothing is left behind, and nothing is told.
        """
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, *arguments), name=self._name, daemon=True)
        try:
            _start(process)
        except BaseException:
            pipe.close()
            raise
        finally:
            theirs.close()  # so that its end is seen
        self._process = process
        talking = threading.Thread(target=self._talk, args=(process, pipe), name=f"{self._name}-talk", daemon=True)
        hearing = threading.Thread(
            target=self._hear, args=(process, pipe, talking), name=f"{self._name}-hear", daemon=True
        )
        try:
            talking.start()
            hearing.start()
        except BaseException:  # no thread is to be had
            process.kill()
            self._messages.put(_OVER)
            process.join()
            pipe.close()
            self._process = None
            raise

    def tell(self, message: object) -> None:
        """Send it a message, after those that it was sent before."""
        self._messages.put(message)

    def finish(self) -> None:
        """Send it None, by which it is to end; nothing more is told of it."""
        self._unheard = True
        self._messages.put(None)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it is gone, and all that it said was heard, within that time; at once where there is none."""
        return self._process is None or self._over.wait(seconds)

    def _talk(self, process: SpawnProcess, pipe: Connection) -> None:
        try:
            while (message := self._messages.get()) is not _OVER:
                pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return  # it is gone, which is heard
        except Exception as error:  # noqa: BLE001 - what was not sent would be waited for
            self._error = error
            process.kill()

    def _hear(self, process: SpawnProcess, pipe: Connection, talking: threading.Thread) -> None:
        try:
            while True:
                message = pipe.recv()
                if not self._unheard:
                    self._heard(message)
        except (EOFError, OSError) as error:
            process.join(_LAST)  # it has ended, or is about to: its code is its own
            if _code(process) is None:
                self._error = error
        except Exception as error:  # noqa: BLE001 - what was not heard would be waited for
            self._error = error
        process.kill()
        process.join()
        self._messages.put(_OVER)
        talking.join()
        pipe.close()
        end = End(_code(process), self._error)
        self._over.set()
        if not self._unheard:
            self._ended(end)


def answer(pipe: Connection, do: Callable[[Any], Any], threads: Executor) -> None:
    """In a child: have `threads` call `do` with each message, and send what it gives. Returns when it is to end.

    That is when None comes or the other end is gone. Where `do` raises, or what it gives cannot be sent, the process
    ends at once: an answer that never comes would be waited for, an end is heard.
    """
    sending = threading.Lock()

    def one(message: object) -> None:
        try:
            told = do(message)
            with sending, contextlib.suppress(OSError):  # nobody listens any more
                pipe.send(told)
        except BaseException:  # noqa: BLE001 - whatever it is
            traceback.print_exc()
            os._exit(1)

    with contextlib.suppress(EOFError, OSError):
        while (message := pipe.recv()) is not None:
            threads.submit(one, message)


def _start(process: SpawnProcess) -> None:
    """Start it with the stop signals held back, until it ignores them as soon as it can."""
    if os.name == "posix":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # which lets signals through when it starts: not in the block, then
    with holding_stop_signals():
        process.start()


def _code(process: SpawnProcess) -> int | None:
    """Its exit code. Another thread may just be asking the system, which tells it once: it is here in a moment."""
    for _ in range(50):
        if process.exitcode is not None:
            break
        time.sleep(0.01)
    return process.exitcode
