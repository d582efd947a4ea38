"""The other ranks of a training run on this machine: processes that the first one starts, and keeps an eye on."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from multiprocessing.connection import Connection, wait

import torch
import torch.distributed as dist

from facesynth.core.child import Child, End
from facesynth.core.errors import FacesynthError, TrainingError
from facesynth.core.stop_signals import ignore_stop_signals
from facesynth.training.place import Place

AGAIN = "run the same command again: it goes on from what is saved"

_SOON = 5.0
"""Seconds in which one that is gone is heard of, where torch has noticed that first."""


class Said(Enum):
    """What a rank says, but for a text: that is why it has failed."""

    ABOUT_TO_MEET = auto()
    DONE = auto()


class Others:
    """The ranks that were started here: who is at work, and why the first of them that failed has."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._at_work: set[int] = set()
        self._about_to_meet: set[int] = set()
        self.left_waiting = False
        """Whether some part of PyTorch waits for a rank that will never come."""
        self._failure: str | None = None
        self._changed = threading.Condition()

    def start(self, place: Place, work: Callable[[Place], object], threads: int) -> None:
        """Start one more: `work`, which has to be picklable, is called with its place, and computes with `threads`."""
        heard, ended = partial(self._heard, place.rank), partial(self._ended, place.rank)
        child = Child(f"facesynth-rank-{place.rank}", heard=heard, ended=ended)
        self._children.append(child)
        self._at_work.add(place.rank)
        child.start(_work_as, place, work, threads)

    def meet(self, launch: Callable[[], object]) -> None:
        """Call what meets the others, once they all are about to. Raises TrainingError as soon as one is gone.

        Nothing interrupts it: it is called in a thread of its own, which is left to itself where one is gone meanwhile.
        This process then can have no other ranks any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._about_to_meet >= self._at_work)
            self._raise_failure()
        met: list[BaseException | None] = []

        def meeting() -> None:
            raised: BaseException | None = None
            try:
                launch()
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
                raised = error
            with self._changed:
                met.append(raised)
                self._changed.notify_all()

        threading.Thread(target=meeting, name="facesynth-meeting", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: met or self._failure)
            if not self._changed.wait_for(lambda: met, _SOON):
                self.left_waiting = True
                self._raise_failure()
        if met[0] is not None:
            raise met[0]

    def failure(self) -> str | None:
        """What the first rank that failed has said; None where none has. Waits a little for one that is failing."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not self._at_work, _SOON)
            return self._failure

    def wait(self) -> None:
        """Wait until all are done, or have failed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work)
        for child in self._children:
            child.wait(_SOON)

    def end(self) -> None:
        """End those that are left."""
        for child in self._children:
            child.kill()
        for child in self._children:
            child.wait()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise TrainingError(self._failure, hint=AGAIN)

    def _heard(self, rank: int, said: Said | str) -> None:
        with self._changed:
            if said is Said.ABOUT_TO_MEET:
                self._about_to_meet.add(rank)
            else:
                self._at_work.discard(rank)
            if isinstance(said, str) and self._failure is None:  # where one has failed, others fail because of that
                self._failure = f"rank {rank} failed: {said}"
            self._changed.notify_all()

    def _ended(self, rank: int, end: End) -> None:
        if rank in self._at_work:  # it has not said that it is done, nor why not
            self._heard(rank, str(end))


class First:
    """The first rank, as one of the others sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def meet(self, launch: Callable[[], object]) -> None:
        """Call what meets the others, and say so before."""
        self._pipe.send(Said.ABOUT_TO_MEET)
        launch()


def _work_as(pipe: Connection, place: Place, work: Callable[[Place], object], threads: int) -> None:
    """What a process of another rank does: it says when it is done, or why it has failed."""
    ignore_stop_signals()  # the first rank hears them, and says when to stop
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the first rank's greeting is enough
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        work(replace(place, others=First(pipe)))
        if dist.is_initialized():
            dist.destroy_process_group()
    except FacesynthError as error:
        pipe.send(str(error))
        raise SystemExit(1) from None
    except BaseException as error:  # whatever it was, the first rank is to tell it
        pipe.send(f"{type(error).__name__}: {error}")
        raise
    pipe.send(Said.DONE)


def _end_with_parent() -> None:
    """A first rank that was killed says nothing, and a GPU would be held for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
