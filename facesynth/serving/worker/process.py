"""The process that computes: it loads, warms up, says that it is ready, and answers batches, several at a time."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Protocol, TypeAlias

from facesynth.core.child import answer
from facesynth.core.errors import DeviceError, FacesynthError
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
        """One answer a task, all of which are of one kind.

        Threads call it at the same time: as many as `side_by_side` says with paintings, one more with anything else.
        """
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
    """In place of an answer: the type of an error that is none of ours, and its traceback for the log."""

    told: str
    trace: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks of one kind that are computed together, by a number that their answers will have."""

    number: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer or error a task of the batch of that number, and the seconds that they took together."""

    number: int
    each: tuple[Answer | FacesynthError | Unexpected, ...]
    seconds: float


def work(pipe: Connection, load: Load, settings: Settings, device: str, begin: Callable[[], None] | None) -> None:
    """Serve the other end of `pipe` until it sends None or is closed; `begin` is called first.

    What was sent before is answered still.
    """
    ignore_stop_signals()  # the server says when it is over
    try:
        if begin is not None:
            begin()
        computing = load(settings, device)
        computing.warm_up()
        first: Ready | Unready = Ready(computing.loaded())
    except FacesynthError as error:
        first = Unready(error)
    except Exception as error:  # noqa: BLE001 - the server must hear of it, whatever it is
        told = f"{type(error).__name__}: {error}"
        first = Unready(FacesynthError(f"the networks cannot be made ready ({told})", hint="facesynth doctor"))
    with contextlib.suppress(OSError):  # the server is gone
        pipe.send(first)
    if isinstance(first, Ready):
        with ThreadPoolExecutor(first.loaded.side_by_side + 1, thread_name_prefix="facesynth-compute") as threads:
            answer(pipe, partial(_answered, computing), threads)


def _answered(computing: Computing, batch: Batch) -> Answers:
    start = time.perf_counter()
    each = answers(computing, batch.tasks)
    return Answers(batch.number, each, time.perf_counter() - start)


def answers(computing: Computing, tasks: Sequence[Task]) -> tuple[Answer | FacesynthError | Unexpected, ...]:
    """One answer or error a task. Where a batch raises, each of it is done by itself: others are not at fault."""
    try:
        return tuple(computing(tasks))
    except Exception as error:  # noqa: BLE001 - one request's trouble must not end the process
        if len(tasks) > 1:
            return tuple(answer for task in tasks for answer in answers(computing, [task]))
        if isinstance(error, FacesynthError):
            return (error,)
        if isinstance(error, MemoryError):
            return (DeviceError("the memory does not suffice", hint="try again later, or with smaller pictures"),)
        return (Unexpected(type(error).__name__, "".join(traceback.format_exception(error))),)
