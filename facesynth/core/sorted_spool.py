"""Things told in the order of their keys, however many and in whatever order they come: beyond a few, from the disk."""

from __future__ import annotations

import heapq
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import IO, Generic, TypeVar

T = TypeVar("T")

_IN_MEMORY = 16_384
_BLOCK = 1 << 16
"""Bytes that are compressed together: as many are held of each sorted run when all are read side by side."""

_LENGTHS = struct.Struct("<II")


@dataclass(slots=True)
class _Run:
    """Where the blocks of one sorted run lie in the file: (offset, bytes) each."""

    blocks: list[tuple[int, int]]


class SortedSpool(Generic[T]):
    """Keeps values with a key each, and tells them by key; those with equal keys in the order in which they came.

    The newest `in_memory` are kept as they are, the others in sorted, compressed runs of as many in one file without a
    name, in the system's folder for temporary files (TMPDIR); it is gone with the spool, or the process. Memory grows
    by the run, a few bytes a value. `encode` gives a value's bytes, `decode` the value again. Raises OSError where
    there is no room.
    """

    def __init__(
        self, encode: Callable[[T], bytes], decode: Callable[[bytes], T], *, in_memory: int = _IN_MEMORY
    ) -> None:
        self._encode, self._decode, self._most = encode, decode, in_memory
        self._newest: list[tuple[bytes, T]] = []
        self._runs: list[_Run] = []
        self._file: IO[bytes] | None = None

    def add(self, key: bytes, value: T) -> None:
        """Keep a value."""
        self._newest.append((key, value))
        if len(self._newest) > self._most:
            self._write_run()

    def __iter__(self) -> Iterator[T]:
        spilled = [((key, self._decode(data)) for key, data in self._read(run)) for run in self._runs]
        return (value for _, value in heapq.merge(*spilled, self._sorted(), key=itemgetter(0)))

    def encoded(self) -> Iterator[bytes]:
        """What `encode` gives, or gave, of each value."""
        newest = ((key, self._encode(value)) for key, value in self._sorted())
        return (data for _, data in heapq.merge(*map(self._read, self._runs), newest, key=itemgetter(0)))

    def _sorted(self) -> list[tuple[bytes, T]]:
        return sorted(self._newest, key=itemgetter(0))

    def _write_run(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="facesynth-")  # noqa: SIM115 - lives as long as the spool
        run, block = _Run([]), bytearray()
        for key, value in self._sorted():
            data = self._encode(value)
            block += _LENGTHS.pack(len(key), len(data)) + key + data
            if len(block) >= _BLOCK:
                self._write_block(self._file, run, block)
        if block:
            self._write_block(self._file, run, block)
        self._runs.append(run)
        self._newest.clear()

    @staticmethod
    def _write_block(file: IO[bytes], run: _Run, block: bytearray) -> None:
        packed = zlib.compress(block, 1)
        run.blocks.append((file.seek(0, 2), len(packed)))
        file.write(packed)
        block.clear()

    def _read(self, run: _Run) -> Iterator[tuple[bytes, bytes]]:
        assert self._file is not None
        for offset, size in run.blocks:
            self._file.seek(offset)
            block = zlib.decompress(self._file.read(size))
            at = 0
            while at < len(block):
                of_key, of_data = _LENGTHS.unpack_from(block, at)
                at += _LENGTHS.size
                yield block[at : at + of_key], block[at + of_key : at + of_key + of_data]
                at += of_key + of_data
