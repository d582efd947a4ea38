"""How long a run has trained, without validations and files, and what share of its time that is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from facesynth.training.collectives import ALONE, Ranks


class Stopwatch:
    """Seconds of training: from `start` on, less what is spent inside `paused`, and what was `used` before.

    A share of `limit` seconds is known since the last `look`, which all ranks have to do together: it is the first
    rank's, so that they agree.
    """

    def __init__(self, limit: float | None, ranks: Ranks = ALONE) -> None:
        self._limit, self._ranks = limit, ranks
        self._before = self._share = 0.0
        self._since: float | None = None

    def start(self, used: float) -> None:
        """Go on from so many seconds."""
        self._before, self._since = used, time.monotonic()
        self.look()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, on this rank."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    @property
    def share(self) -> float:
        """The share of the time that had gone by at the last look; 0 where there is no limit."""
        return self._share

    @property
    def run_out(self) -> bool:
        """Whether the time had run out at the last look."""
        return self._share >= 1

    def look(self) -> None:
        """Look at the clock."""
        if self._limit is not None:
            mine = self.seconds / self._limit if self._ranks.first else 0.0
            self._share = sum(self._ranks.means([mine])) * self._ranks.count

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that does not count."""
        self._before, self._since = self.seconds, None
        try:
            yield
        finally:
            self._since = time.monotonic()
