"""What was computed of the latest label maps, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from facesynth.models.folded_spade.places import Places


@dataclass(frozen=True, slots=True)
class MapTables:
    """A label map's places at each side, the rows of each block's layers, and what its patterns are known by.

    `known`: for a side the row of each pattern; none for a side where each pixel has its own.
    """

    places: Mapping[int, Places]
    known: Mapping[int, Mapping[bytes, int]]
    rows: Sequence[Sequence[Tensor]]

    @property
    def size(self) -> int:
        """In bytes, but for the small change."""
        patterns = sum(len(known) for known in self.known.values())
        tensors = sum(each.nbytes for of_block in self.rows for each in of_block)
        return tensors + sum(each.size for each in self.places.values()) + _OF_A_PATTERN * patterns


_OF_A_PATTERN = 200
"""Bytes that a key and its entry in a dictionary take."""


class KeptTables:
    """The tables of the label maps that were used last; what they hold is never changed. For several threads."""

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: of all together; the tables of a map that alone has more are not kept."""
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[bytes, MapTables] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._size

    def get(self, digest: bytes) -> MapTables | None:
        """Those of a label map, from now on the ones that were used last."""
        with self._lock:
            found = self._kept.get(digest)
            if found is not None:
                self._kept.move_to_end(digest)
            return found

    def latest(self, count: int) -> list[MapTables]:
        """Those that were used last, the very last first."""
        with self._lock:
            return [tables for _, tables in zip(range(count), reversed(self._kept.values()), strict=False)]

    def clear(self) -> None:
        """Keep nothing of what was kept."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def put(self, digest: bytes, tables: MapTables) -> None:
        """Keep them, and drop what was used longest ago until all fits."""
        size = tables.size
        with self._lock:
            if digest in self._kept or size > self._most:
                return
            self._kept[digest] = tables
            self._size += size
            while self._size > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._size -= dropped.size
