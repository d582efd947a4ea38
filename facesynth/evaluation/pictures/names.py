"""Names of very many pictures: each takes its own bytes and twenty more."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Names(Sequence[str]):
    """Names in their order, each known by its place. Any name that a file can have comes back as it was."""

    __slots__ = ("_bytes", "_ends", "_hashes", "_order")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("q", [0])
        self._hashes: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        for name in names:
            self.append(name)

    def append(self, name: str) -> None:
        """Add a name behind the others."""
        self._bytes += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, which: int) -> str: ...

    @overload
    def __getitem__(self, which: slice) -> list[str]: ...

    def __getitem__(self, which: int | slice) -> str | list[str]:
        if isinstance(which, slice):
            return [self[place] for place in range(*which.indices(len(self)))]
        place = which + len(self) if which < 0 else which
        if not 0 <= place < len(self):
            raise IndexError(which)
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.place(name) is not None

    def place(self, name: str) -> int | None:
        """Where a name stands first; None where it does not."""
        if len(self._order) != len(self):
            hashes = np.fromiter(map(hash, self), dtype=np.int64, count=len(self))
            self._order = np.argsort(hashes, kind="stable")
            self._hashes = hashes[self._order]
        sought = hash(name)
        for at in range(int(np.searchsorted(self._hashes, sought)), len(self)):
            if self._hashes[at] != sought:
                break
            if self[place := int(self._order[at])] == name:
                return place
        return None

    def repeated(self) -> str | None:
        """A name that stands in two places; None where each stands in one."""
        return next((name for place, name in enumerate(self) if self.place(name) != place), None)
