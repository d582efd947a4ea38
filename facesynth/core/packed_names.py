"""Many names in little memory: sorted, each once, end to end in one piece of bytes."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import overload


class PackedNames(Sequence[str]):
    """The names of files in one folder, sorted by their bytes; a name takes its own length and four bytes."""

    __slots__ = ("_ends", "_text")

    def __init__(self, names: Iterable[str] = (), *, encoded: Iterable[bytes] = ()) -> None:
        """Names that appear twice are kept once; `encoded` ones are in the file system's own bytes."""
        ordered = sorted({*map(os.fsencode, names), *encoded})
        self._text = b"".join(ordered)
        self._ends = array("I" if len(self._text) < 1 << 32 else "Q")
        end = 0
        for name in ordered:
            end += len(name)
            self._ends.append(end)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return os.fsdecode(self._bytes(index % len(self)))

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._ends:
            yield os.fsdecode(self._text[start:end])
            start = end

    def place(self, name: str) -> int | None:
        """The index of a name; None where it is not there."""
        sought = os.fsencode(name)
        found = bisect_left(range(len(self)), sought, key=self._bytes)
        return found if found < len(self) and self._bytes(found) == sought else None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.place(name) is not None

    def may_hold(self, part: bytes) -> bool:
        """Whether any name may hold these lower-case letters, in either case: a quick look before a long one."""
        return part in self._text.lower()

    def _bytes(self, index: int) -> bytes:
        return self._text[self._ends[index - 1] if index else 0 : self._ends[index]]
