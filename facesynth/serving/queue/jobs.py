"""One request's work on its way through the queue and a worker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from facesynth.serving.worker.tasks import Answer, Paint, Task


@dataclass(slots=True, eq=False)
class Job:
    """A task of a client; `done` gets its answer or its error.

    `session` is whose newest painting wins, that of the highest `turn`; None for nobody's. Times are those of the event
    loop, in seconds.
    """

    task: Task
    client: str
    done: asyncio.Future[Answer]
    arrived: float
    session: str | None = None
    turn: int = 0
    began: float | None = None
    batch: int = 0
    """How many were computed together with it, itself among them."""
    lone: bool = False
    """Whether it is computed by itself, nothing else beside it: it was computed when a worker ended."""

    @property
    def paints(self) -> bool:
        """Whether it is a painting, of which a worker may compute several side by side."""
        return isinstance(self.task, Paint)

    @property
    def joins(self) -> bool:
        """Whether it may share a batch."""
        return self.paints and not self.lone
