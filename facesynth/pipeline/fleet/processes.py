"""Workers that are processes of this machine: one a GPU, or several that share the CPU's cores."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from queue import SimpleQueue

from facesynth.core.stop_signals import STOP_SIGNALS, ignore_stop_signals
from facesynth.pipeline.fleet.bench import AHEAD, Bench
from facesynth.pipeline.fleet.fleet import Fleet, Listener, Note
from facesynth.pipeline.fleet.orders import Order, Ready, Unready, sendable

_GRACE = 3.0
"""Seconds in which a worker that is to end finishes publishing."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which of how many processes one is, on what device they are to work, and with how many threads of each."""

    index: int
    count: int
    device: str
    threads: int
    root: Path
    begin: Callable[[], None] | None = None
    """Called in the process before anything else; a function that can be imported by its name."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"worker {self.index + 1} of {self.count}"

    def own_device(self) -> str:
        """Its device, in the process itself, which then computes with its share of the cores. Imports PyTorch.

        Raises as `device_among` does.
        """
        from facesynth.inference.device import device_among, share_cores

        share_cores(self.count)
        return device_among(self.device, self.index, self.count)


def processes(
    count: int,
    root: Path,
    *,
    device: str,
    threads: int,
    note: Note,
    begin: Callable[[], None] | None = None,
) -> Fleet:
    """A fleet of `count` processes of this machine. `device` is `auto|cpu|cuda`: there is a GPU for each, or none.

    They share the cores, and the `threads` that read and write files. Like all that starts processes it imports the
    program's main module there: that has to start nothing when it is imported.
    """
    own = max(2, -(-threads // count))
    parts = [Part(index, count, device, own, root.absolute(), begin) for index in range(count)]
    workers = [ProcessWorker(part) for part in parts]
    return Fleet(lambda: contextlib.nullcontext(workers), root, kind="processes", note=note)


@dataclass(slots=True)
class _Life:
    """One process and what belongs to it."""

    process: SpawnProcess
    pipe: Connection
    orders: SimpleQueue[Order | None] = field(default_factory=SimpleQueue)
    stopped: bool = False


class ProcessWorker:
    """A process, which may die and be started again."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._life: _Life | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._part.name

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return self._life.process.pid if self._life else None

    def start(self, listener: Listener) -> None:
        """Start the process, a thread that talks to it, and one that hears it. Raises OSError, RuntimeError."""
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._part), name=f"facesynth-{self.name}", daemon=True)
        try:
            with _deaf():
                process.start()
        except BaseException:
            pipe.close()
            raise
        finally:
            theirs.close()  # so that its end is seen
        life = self._life = _Life(process, pipe)
        try:
            for do, about in ((_talk, (life,)), (_hear, (self, life, listener))):
                threading.Thread(target=do, args=about, name=f"facesynth-{self.name}", daemon=True).start()
        except BaseException:
            process.kill()
            raise

    def give(self, order: Order) -> None:
        """Have it compute a batch beside what it computes already."""
        assert self._life is not None
        self._life.orders.put(order)

    def stop(self) -> None:
        """Have the process end as soon as nothing is being published."""
        if self._life is not None:
            self._life.stopped = True
            self._life.orders.put(None)

    def join(self) -> None:
        """Wait until it is gone, and kill it where that takes too long."""
        if self._life is not None:
            self._life.process.join(_GRACE)
            self._life.process.kill()
            self._life.process.join()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Have what is started here not hear Ctrl-C, from its first moment: it would say so with a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _talk(life: _Life) -> None:
    with contextlib.suppress(OSError):  # it is gone, which is heard
        while (order := life.orders.get()) is not None:
            life.pipe.send(order)
        life.pipe.send(None)


def _hear(worker: ProcessWorker, life: _Life, listener: Listener) -> None:
    told = False
    with contextlib.suppress(EOFError, OSError):
        while True:
            message = life.pipe.recv()
            if isinstance(message, Ready):
                listener.ready(worker)
            elif isinstance(message, Unready):
                told = True
                listener.unready(worker, message.error)
            else:
                listener.answered(worker, message)
    life.process.kill()  # where it lives on, nothing comes through any more
    life.process.join()
    life.orders.put(None)
    if not (life.stopped or told):
        listener.ended(worker, _how(life.process.exitcode))


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"it ended with code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"killed by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
    return f"killed by signal {-code}"


def work(pipe: Connection, part: Part) -> None:
    """Do what the other end of `pipe` orders until it sends None or is gone: then this process ends at once."""
    ignore_stop_signals()  # the process that started this one says when it is over
    with contextlib.suppress(OSError):
        try:
            if part.begin is not None:
                part.begin()
            bench = Bench(part.root, part.own_device, part.threads)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
            pipe.send(Unready(sendable(error)))
            return
        pipe.send(Ready())
        sending = threading.Lock()

        def do(order: Order) -> None:
            try:
                answers = bench(order)
                with sending:
                    pipe.send(answers)
            except OSError:  # nobody listens any more
                return
            except BaseException:  # noqa: BLE001 - an order without an answer would be waited for: an end is heard
                traceback.print_exc()
                os._exit(1)

        orders = ThreadPoolExecutor(AHEAD, thread_name_prefix="facesynth-order")
        try:
            while (order := pipe.recv()) is not None:
                orders.submit(do, order)
        except EOFError:
            pass
        bench.end()
