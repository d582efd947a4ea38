"""What a fleet asks of a worker, and what a worker tells of itself, wherever it runs."""

from __future__ import annotations

from typing import Protocol

from facesynth.pipeline.fleet.orders import Answers, Ended, Order


class Worker(Protocol):
    """Another process that computes, wherever it runs. None of these waits for it."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def start(self, listener: Listener) -> None:
        """Start it, also again where it has died; the listener hears of it from other threads, `ended` once, last."""
        ...

    def give(self, order: Order) -> None:
        """Have it compute a batch beside what it computes already."""
        ...

    def stop(self) -> None:
        """End it at once, where it is started; of this its listener hears nothing."""
        ...

    def join(self) -> None:
        """Wait until it is gone, a moment at most; then it is killed."""
        ...


class Listener(Protocol):
    """Who hears of workers."""

    def ready(self, worker: Worker) -> None:
        """It can compute."""

    def unready(self, worker: Worker, error: Exception) -> None:
        """It can not, and started anew it could not either."""

    def answered(self, worker: Worker, answers: Answers | Ended) -> None:
        """An order that it was given is done."""

    def ended(self, worker: Worker, why: str) -> None:
        """It is gone, and with it what it was computing."""
