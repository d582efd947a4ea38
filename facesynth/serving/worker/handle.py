"""The server's end of one worker process: it is started, given batches, heard, and started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Protocol

from facesynth.core.stop_signals import holding_stop_signals
from facesynth.serving.settings import Settings
from facesynth.serving.worker.process import Answers, Batch, Load, Ready, Unready, work
from facesynth.serving.worker.tasks import Loaded

_log = logging.getLogger("facesynth.serving")


class Listener(Protocol):
    """Who hears of a worker, in the event loop."""

    def ready(self, worker: Worker, loaded: Loaded) -> None:
        """It can compute."""

    def unready(self, worker: Worker, message: Unready) -> None:
        """It cannot be made ready."""

    def answered(self, worker: Worker, answers: Answers) -> None:
        """A batch that it was given is done."""

    def ended(self, worker: Worker) -> None:
        """Its process is gone, whatever the reason."""


@dataclass(slots=True)
class _Life:
    """One process and what belongs to it."""

    process: SpawnProcess
    pipe: Connection
    batches: SimpleQueue[Batch | None] = field(default_factory=SimpleQueue)
    over: threading.Event = field(default_factory=threading.Event)
    ready: bool = False


def _start(process: SpawnProcess) -> None:
    """Start it with the stop signals held back, until it ignores them as soon as it can."""
    if os.name == "posix":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # which lets signals through when it starts: not in the block, then
    with holding_stop_signals():
        process.start()


class Worker:
    """One device's process. All methods are called in the event loop and return at once."""

    def __init__(
        self, settings: Settings, device: str, load: Load, listener: Listener, begin: Callable[[], None] | None = None
    ) -> None:
        """`load` makes what computes, in the process; `begin` is called there before."""
        self.device = device
        self._made_with = (load, settings, device, begin)
        self._listener = listener
        self._life: _Life | None = None

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return self._life.process.pid if self._life else None

    def start(self) -> None:
        """Start the process, and three threads: one that hears it, one that talks to it, one that waits for its end.

        Raises what keeps the machine from that (OSError, RuntimeError): then there is no process, and nothing is told.
        """
        self._life = None
        loop = asyncio.get_running_loop()
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(
            target=work, args=(theirs, *self._made_with), name=f"facesynth-worker-{self.device}", daemon=True
        )
        try:
            _start(process)
        except BaseException:
            pipe.close()
            raise
        finally:
            theirs.close()  # so that its end is seen
        life = _Life(process, pipe)

        def tell(event: Callable[..., None], *about: object) -> None:
            def heard() -> None:
                if self._life is life:  # not a process that another one has replaced
                    event(self, *about)

            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(heard)

        def hear() -> None:
            message = pipe.recv()
            if isinstance(message, Unready):
                tell(self._listener.unready, message)
                return
            assert isinstance(message, Ready)
            life.ready = True
            tell(self._listener.ready, message.loaded)
            while True:
                tell(self._listener.answered, pipe.recv())

        def talk() -> None:
            while (batch := life.batches.get()) is not None:
                pipe.send(batch)
            pipe.send(None)

        def kept(do: Callable[[], None]) -> None:
            """A process that can be heard or told no more would hold its jobs for ever: it is ended."""
            try:
                do()
            except EOFError:  # it has ended
                pass
            except OSError:
                process.kill()
            except Exception:  # noqa: BLE001 - whatever it is, nothing comes through any more
                _log.exception("the worker on %s is ended: its messages cannot be passed on", self.device)
                process.kill()

        def watch(*others: threading.Thread) -> None:
            with contextlib.suppress(RuntimeError):  # no thread is to be had: it ends, and is started again later
                for thread in others:
                    thread.start()
            if not all(thread.ident for thread in others):
                process.kill()
            process.join()
            life.batches.put(None)
            for thread in others:
                if thread.ident:
                    thread.join()  # its last answer is heard first
            pipe.close()
            life.over.set()
            tell(self._listener.ended)

        talking = [threading.Thread(target=kept, args=(do,), name="facesynth-talk", daemon=True) for do in (hear, talk)]
        try:
            threading.Thread(target=watch, args=talking, name="facesynth-watch", daemon=True).start()
        except BaseException:
            process.kill()
            pipe.close()
            raise
        self._life = life

    def give(self, batch: Batch) -> None:
        """Have it compute a batch beside what it computes already; its listener hears of the answers, or of its end."""
        assert self._life is not None
        self._life.batches.put(batch)

    def kill(self) -> None:
        """End the process at once."""
        if self._life is not None:
            self._life.process.kill()

    async def stop(self, seconds: float = 5.0) -> None:
        """Let the process end, and kill it where it does not in time. Its listener hears nothing more."""
        life, self._life = self._life, None
        if life is None:
            return
        if life.ready:
            life.batches.put(None)
            await asyncio.to_thread(life.over.wait, seconds)
        if not life.over.is_set():
            life.process.kill()
            await asyncio.to_thread(life.over.wait, seconds)
