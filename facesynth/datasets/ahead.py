"""Work on items in threads, a bounded number of them ahead, whose results come in the items' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 8
"""Items a worker that are under way at once: enough for none to wait, few enough for memory not to matter."""


def ordered_ahead(
    items: Iterable[T], work: Callable[[T], R], *, workers: int, name: str, ahead: int = AHEAD
) -> Iterator[tuple[T, R]]:
    """Yield each item with `work(item)`, in order; at most `ahead × workers` items are taken and not yielded yet.

    Items are taken by the caller's thread, one for each that is yielded. An error of `work` is raised at its item's
    turn; whatever ends the iteration, the threads have ended too.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix=f"facesynth-{name}")
    pending: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            pending.append((item, pool.submit(work, item)))
            if len(pending) >= ahead * workers:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
