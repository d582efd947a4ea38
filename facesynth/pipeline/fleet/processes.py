"""Workers that are processes of this machine: one a GPU, or several that share the CPU's cores."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from facesynth.core.child import Child, answer
from facesynth.core.stop_signals import ignore_stop_signals
from facesynth.pipeline.fleet.bench import AHEAD, Bench
from facesynth.pipeline.fleet.fleet import Fleet, Note
from facesynth.pipeline.fleet.orders import Answers, Ended, Order, Ready, Unready, sendable
from facesynth.pipeline.fleet.worker import Listener

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


class ProcessWorker:
    """A process, which may die and be started again."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._child: Child | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._part.name

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return self._child.pid if self._child else None

    def start(self, listener: Listener) -> None:
        """Start the process. Raises OSError, RuntimeError."""

        def heard(message: Ready | Unready | Answers | Ended) -> None:
            if isinstance(message, Ready):
                listener.ready(self)
            elif isinstance(message, Unready):
                child.finish()  # nothing that it could do otherwise: its end is no news
                listener.unready(self, message.error)
            else:
                listener.answered(self, message)

        name = f"facesynth-{self.name}"
        child = self._child = Child(name, heard=heard, ended=lambda end: listener.ended(self, str(end)))
        child.start(work, self._part)

    def give(self, order: Order) -> None:
        """Have it compute a batch beside what it computes already."""
        assert self._child is not None
        self._child.tell(order)

    def stop(self) -> None:
        """Have the process end as soon as nothing is being published."""
        if self._child is not None:
            self._child.finish()

    def join(self) -> None:
        """Wait until it is gone, and kill it where that takes too long."""
        if self._child is not None and not self._child.wait(_GRACE):
            self._child.kill()
            self._child.wait()


def work(pipe: Connection, part: Part) -> None:
    """Do what the other end of `pipe` orders until it sends None or is gone: then this process ends at once."""
    ignore_stop_signals()  # the process that started this one says when it is over
    first: Ready | Unready
    try:
        if part.begin is not None:
            part.begin()
        bench, first = Bench(part.root, part.own_device, part.threads), Ready()
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
        bench, first = None, Unready(sendable(error))
    with contextlib.suppress(OSError):
        pipe.send(first)
    if bench is not None:
        answer(pipe, bench, ThreadPoolExecutor(AHEAD, thread_name_prefix="facesynth-order"))
        bench.end()
