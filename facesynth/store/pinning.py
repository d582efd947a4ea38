"""Keeping an entry from garbage collection for as long as somebody reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from facesynth.core.refs import Digest
from facesynth.store.artifacts import ArtifactStore
from facesynth.store.collection import SAFE


@contextmanager
def pinned(store: ArtifactStore, stage: str, key: Digest, *, every: float = SAFE / 4) -> Iterator[None]:
    """Use an entry again each so many seconds, so that `cache gc`, on whatever machine, finds it in use.

    A process that is killed leaves nothing behind: an hour later the entry is like any other.
    """
    done = threading.Event()

    def hold() -> None:
        while not done.wait(every):
            store.lookup(stage, key)
            store.flush()

    holder = threading.Thread(target=hold, name=f"facesynth-pin-{stage}", daemon=True)
    store.lookup(stage, key)
    store.flush()
    holder.start()
    try:
        yield
    finally:
        done.set()
        holder.join()
