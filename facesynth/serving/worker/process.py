"""The process that computes: it loads, warms up, says that it is ready, and answers one batch after the other."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol, TypeAlias

from facesynth.core.errors import FacesynthError
from facesynth.core.stop_signals import ignore_stop_signals
from facesynth.serving.settings import Settings
from facesynth.serving.worker.tasks import Answer, Loaded, Task


class Computing(Protocol):
    """What does the work in a worker."""

    def loaded(self) -> Loaded:
        """What it has loaded."""
        ...

    def warm_up(self) -> None:
        """Do everything once, so that the first request is as fast as the second."""
        ...

    def __call__(self, tasks: Sequence[Task]) -> Sequence[Answer]:
        """One answer a task, all of which are of one kind."""
        ...


Load: TypeAlias = Callable[[Settings, str], Computing]
"""Makes what computes on a device; a function that can be imported by its name."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's first message."""

    loaded: Loaded


@dataclass(frozen=True, slots=True)
class Unready:
    """The worker's only message where it cannot be made ready."""

    error: FacesynthError


@dataclass(frozen=True, slots=True)
class Unexpected:
    """In place of an answer: an error that is none of ours, with its traceback for the log."""

    told: str
    trace: str


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer or error a task, and the seconds that they took together."""

    each: tuple[Answer | FacesynthError | Unexpected, ...]
    seconds: float


def work(pipe: Connection, load: Load, settings: Settings, device: str, begin: Callable[[], None] | None) -> None:
    """Serve the other end of `pipe` until it sends None or is closed; `begin` is called first."""
    ignore_stop_signals()  # the server says when it is over
    with contextlib.suppress(EOFError, OSError):  # the server is gone
        try:
            if begin is not None:
                begin()
            computing = load(settings, device)
            computing.warm_up()
            pipe.send(Ready(computing.loaded()))
        except FacesynthError as error:
            pipe.send(Unready(error))
            return
        except Exception as error:  # noqa: BLE001 - the server must hear of it, whatever it is
            told = f"{type(error).__name__}: {error}"
            pipe.send(Unready(FacesynthError(f"the networks cannot be made ready ({told})", hint="facesynth doctor")))
            return
        tasks: Sequence[Task] | None
        while (tasks := pipe.recv()) is not None:
            start = time.perf_counter()
            each = answers(computing, tasks)
            pipe.send(Answers(each, time.perf_counter() - start))


def answers(computing: Computing, tasks: Sequence[Task]) -> tuple[Answer | FacesynthError | Unexpected, ...]:
    """One answer or error a task. Where a batch raises, each of it is done by itself: others are not at fault."""
    try:
        return tuple(computing(tasks))
    except Exception as error:  # noqa: BLE001 - one request's trouble must not end the process
        if len(tasks) > 1:
            return tuple(answer for task in tasks for answer in answers(computing, [task]))
        if isinstance(error, FacesynthError):
            return (error,)
        return (Unexpected(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))),)
