"""A worker as the fleet sees it: what it is at, how it fares, and for how long it has said nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from facesynth.pipeline.fleet.batch import Batch
from facesynth.pipeline.fleet.worker import Worker


@dataclass(slots=True)
class Silence:
    """How long somebody who is waited for has said nothing: worth a line after `first` seconds, then twice that, …"""

    first: float
    since: float
    next: float = field(init=False)

    def __post_init__(self) -> None:
        self.next = self.first

    def broken(self, now: float) -> None:
        """Something was heard, or there is something new to wait for."""
        self.since, self.next = now, self.first

    def told(self, now: float) -> str | None:
        """For how long, where that is worth a line now."""
        lasted = now - self.since
        if lasted < self.next:
            return None
        while self.next <= lasted:
            self.next *= 2
        return f"{lasted / 60:.0f} minutes" if lasted >= 120 else f"{lasted:.0f} seconds"


@dataclass(slots=True, eq=False)
class Hand:
    """A worker, and its batches by the number of their orders; `deaths` are those in a row that nothing explains."""

    worker: Worker
    silence: Silence
    ready: bool = False
    at_work: dict[int, Batch] = field(default_factory=dict)
    deaths: int = 0

    @property
    def waited_for(self) -> bool:
        """Whether there is something that it should say by and by."""
        return not self.ready or bool(self.at_work)

    def late(self, now: float) -> str | None:
        """A line that says what it is at, where it has said nothing for so long that one is due."""
        if not self.waited_for or (lasted := self.silence.told(now)) is None:
            return None
        if not self.ready:
            return f"{self.worker.name} is not ready yet, {lasted} after it was started"
        batches = "; ".join(map(str, self.at_work.values()))
        return f"{self.worker.name} has answered nothing for {lasted}; it is at {batches}"
