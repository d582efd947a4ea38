"""Work on a CPU side by side: several items at once, each on its share of the cores.

A network of this project's size fills two cores badly: its layers wait for each other's threads, and all that lies
around it (scaling, labels, files) for the network. One item a core keeps all of them busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

In = TypeVar("In")
Out = TypeVar("Out")

_MOST = 8
"""Each lane holds the memory of one batch."""


@dataclass(frozen=True, slots=True)
class Cores:
    """So many threads for all that a network computes, shared by so many lanes: callers at the same time."""

    threads: int = field(default_factory=torch.get_num_threads)
    lanes: int = 1

    @property
    def each(self) -> int:
        """The threads of one lane."""
        return max(1, self.threads // self.lanes)


class Lanes:
    """Threads that work on one item each, every one with its share of PyTorch's threads; started when first used.

    So the numbers never depend on how many items there are: a single one is computed in a lane too.
    """

    def __init__(self, count: int | None = None) -> None:
        """`count` of them, by default one for each of PyTorch's threads, up to 8."""
        threads = torch.get_num_threads()
        self.cores = Cores(threads, count or min(_MOST, threads))
        self._pool: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        """What `work` makes of each item, in order; in inference mode. The first error is raised."""
        if self.cores.lanes == 1:
            return [_inferred(work, item) for item in items]
        futures = [self._started().submit(_inferred, work, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def _started(self) -> ThreadPoolExecutor:
        with self._starting:
            if self._pool is None:
                self._pool = _pool(self.cores)
            return self._pool


def _inferred(work: Callable[[In], Out], item: In) -> Out:
    with torch.inference_mode():  # which is a thread's own
        return work(item)


def _pool(cores: Cores) -> ThreadPoolExecutor:
    """Threads whose number of PyTorch's threads is set apart from everybody else's.

    PyTorch keeps that number for each thread, and gives the one that was set last to threads that compute for the first
    time. So all lanes take it here before theirs is set, and then it is set back for threads to come.
    """
    everybody = threading.Barrier(cores.lanes + 1)

    def begin() -> None:
        torch.get_num_threads()
        torch.set_num_threads(cores.each)
        everybody.wait()

    pool = ThreadPoolExecutor(cores.lanes, thread_name_prefix="facesynth-lane", initializer=begin)
    for _ in range(cores.lanes):
        pool.submit(lambda: None)  # starts one thread
    everybody.wait()
    torch.set_num_threads(cores.threads)
    return pool
