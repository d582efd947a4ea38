"""What a worker that is ready computes now, and what fits beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from facesynth.serving.queue.jobs import Job
from facesynth.serving.worker.tasks import Loaded

_MANY_THREADS = frozenset({"cpu", "cuda"})
"""Devices that several threads may compute on at the same time: PyTorch's MPS is not safe there."""


@dataclass(slots=True)
class Running:
    """One worker's batches by number, each with the timer that ends the worker where it hangs."""

    loaded: Loaded
    _batches: dict[int, tuple[list[Job], asyncio.TimerHandle]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def jobs(self) -> list[Job]:
        """All jobs that are computed, in the order they were given."""
        return [job for jobs, _ in self._batches.values() for job in jobs]

    @property
    def free(self) -> int:
        """How many batches of paintings may be begun now."""
        first = [jobs[0] for jobs in self._each()]
        if any(one.lone for one in first) or (first and not self._together):
            return 0
        return max(0, self.loaded.side_by_side - sum(one.paints for one in first))

    def fits(self, job: Job) -> bool:
        """Whether a batch with this job may be computed beside the others.

        As many paintings as the worker paints side by side, and one photo, so that whoever sends photos, which take
        long, never holds up those who paint; a lone job beside nothing, nor anything on a device for one thread.
        """
        first = [jobs[0] for jobs in self._each()]
        if job.lone:
            return not first
        if job.paints:
            return self.free > 0
        return not first or (self._together and all(one.paints and not one.lone for one in first))

    @property
    def _together(self) -> bool:
        return self.loaded.device.partition(":")[0] in _MANY_THREADS

    def begin(self, number: int, jobs: list[Job], watching: asyncio.TimerHandle) -> None:
        """A batch was given to the worker."""
        self._batches[number] = (jobs, watching)

    def finish(self, number: int) -> Sequence[Job]:
        """The jobs of a batch that is over."""
        jobs, watching = self._batches.pop(number)
        watching.cancel()
        return jobs

    def finish_all(self) -> Sequence[Job]:
        """The jobs of all batches: the worker is gone."""
        return [job for number in list(self._batches) for job in self.finish(number)]

    def _each(self) -> Iterator[list[Job]]:
        return (jobs for jobs, _ in self._batches.values())
