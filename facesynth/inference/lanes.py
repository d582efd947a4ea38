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
    """Threads that work on one item each, every one with its share of PyTorch's threads.

    The numbers never depend on how many items there are: a single one is computed in a lane too. Work must not call
    `map` of the same lanes, and lanes do not outlive a fork. PyTorch that is built without OpenMP has one number of
    threads for the whole process: there it is one lane.
    """

    def __init__(self, count: int | None = None) -> None:
        """`count` of them, by default one for each of PyTorch's threads, up to 8, of which each then has several."""
        threads = torch.get_num_threads()
        if "OpenMP" not in torch.__config__.parallel_info():
            count = 1
        if count is None:
            count = threads // -(-threads // _MOST)
        self.cores = Cores(threads, count)
        self._pool = _pool(self.cores) if count > 1 else None

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        """What `work` makes of each item, in order; in inference mode. The first error is raised.

        Then what is not begun is left; what is runs on to its end.
        """
        if self._pool is None:
            return [_inferred(work, item) for item in items]
        futures = [self._pool.submit(_inferred, work, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def _inferred(work: Callable[[In], Out], item: In) -> Out:
    with torch.inference_mode():  # which is a thread's own
        return work(item)


def _pool(cores: Cores) -> ThreadPoolExecutor:
    """Threads whose number of PyTorch's threads is set apart from everybody else's.

    PyTorch keeps that number for each thread, and gives the one that was set last to threads that compute for the first
    time. So all lanes take it here before theirs is set, and then it is set back for threads to come.
    """
    before = torch.get_num_threads()
    everybody = threading.Barrier(cores.lanes + 1)

    def begin() -> None:
        torch.get_num_threads()
        torch.set_num_threads(cores.each)
        everybody.wait()

    pool = ThreadPoolExecutor(cores.lanes, thread_name_prefix="facesynth-lane", initializer=begin)
    try:
        for _ in range(cores.lanes):
            pool.submit(lambda: None)  # starts one thread
        everybody.wait()
    except BaseException:
        everybody.abort()  # those that wait would wait for ever, and Python for them
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        torch.set_num_threads(before)
    return pool
