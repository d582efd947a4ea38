"""Many digests in little memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facesynth.core.refs import Digest

_NEW = 1 << 16


class DigestSet:
    """A set of sha256 digests that keeps 64 bits of each; threads may share it.

    A digest that is none of ten million is taken for one of them once in two million million times.
    """

    def __init__(self, digests: Iterable[Digest] = ()) -> None:
        self._new: set[int] = set()
        self._settled: list[NDArray[np.uint64]] = []  # sorted, each at least twice as long as the next
        self._lock = threading.Lock()
        for digest in digests:
            self.add(digest)

    def add(self, digest: Digest) -> None:
        """Add one, which may be there already."""
        short = int(digest[:16], 16)
        with self._lock:
            if any(_holds(part, short) for part in self._settled):
                return
            self._new.add(short)
            if len(self._new) >= _NEW:
                self._settle()

    def __len__(self) -> int:
        with self._lock:
            return len(self._new) + sum(map(len, self._settled))

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, str):
            return False
        short = int(digest[:16], 16)
        with self._lock:
            return short in self._new or any(_holds(part, short) for part in self._settled)

    def _settle(self) -> None:
        found = np.fromiter(self._new, np.uint64, len(self._new))
        self._new = set()
        while self._settled and len(self._settled[-1]) < 2 * len(found):
            found = np.concatenate([self._settled.pop(), found])
        found.sort()
        self._settled.append(found)


def _holds(part: NDArray[np.uint64], short: int) -> bool:
    place = int(np.searchsorted(part, np.uint64(short)))
    return place < len(part) and int(part[place]) == short
