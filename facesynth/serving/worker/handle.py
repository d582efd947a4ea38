"""The server's end of one worker process: it is started, given batches, heard, and started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from facesynth.core.child import Child, End
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


class Worker:
    """One device's process. All methods are called in the event loop and return at once."""

    def __init__(
        self, settings: Settings, device: str, load: Load, listener: Listener, begin: Callable[[], None] | None = None
    ) -> None:
        """`load` makes what computes, in the process; `begin` is called there before."""
        self.device = device
        self._made_with = (load, settings, device, begin)
        self._listener = listener
        self._child: Child | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process, and threads that hear it and talk to it.

        Raises what keeps the machine from that (OSError, RuntimeError): then there is no process, and nothing is told.
        """
        self._child, self._ready = None, False
        loop = asyncio.get_running_loop()

        def tell(do: Callable[..., None], *about: object) -> None:
            def told() -> None:
                if self._child is child:  # not a process that another one has replaced
                    do(*about)

            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(told)

        child = Child(
            f"facesynth-worker-{self.device}", heard=partial(tell, self._heard), ended=partial(tell, self._ended)
        )
        child.start(work, *self._made_with)
        self._child = child

    def give(self, batch: Batch) -> None:
        """Have it compute a batch beside what it computes already; its listener hears of the answers, or of its end."""
        assert self._child is not None
        self._child.tell(batch)

    def kill(self) -> None:
        """End the process at once."""
        if self._child is not None:
            self._child.kill()

    async def stop(self, seconds: float = 5.0) -> None:
        """Let the process end, and kill it where it does not in time. Its listener hears nothing more."""
        child, self._child = self._child, None
        if child is None:
            return
        if self._ready:
            child.finish()
            await asyncio.to_thread(child.wait, seconds)
        child.kill()
        await asyncio.to_thread(child.wait, seconds)

    def _heard(self, message: Ready | Unready | Answers) -> None:
        if isinstance(message, Ready):
            self._ready = True
            self._listener.ready(self, message.loaded)
        elif isinstance(message, Unready):
            self._listener.unready(self, message)
        else:
            self._listener.answered(self, message)

    def _ended(self, end: End) -> None:
        if end.error is not None:
            what = "the worker on %s is ended: its messages cannot be passed on"
            _log.error(what, self.device, exc_info=end.error)
        self._listener.ended(self)
