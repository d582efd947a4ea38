"""What feeds a run: any iterable, and often another run, which ends with the one that it feeds."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def feeding(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Lend an iterator over `items`; where they come from a run, that ends here and publishes what it has computed."""
    try:
        yield iter(items)
    finally:
        if isinstance(items, Generator):
            items.close()
