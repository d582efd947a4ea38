"""Results on their way into archives, and the rows of the report that tell of them once an archive is whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from facesynth.core.errors import CacheError, OutputError
from facesynth.core.refs import Done, FileStamp, Origin, sha256_bytes
from facesynth.outputs import Member, Shards


@dataclass(frozen=True, slots=True)
class Packing:
    """How results are packed: the results of `size` inputs to an archive; `kinds` is that of `Shards`."""

    size: int
    kinds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Packer:
    """A destination: archives. Each input's rows wait until its archive is in place: until then nothing is done.

    `failed` is told of the inputs whose archive cannot be put in its place.
    """

    def __init__(self, shards: Shards, failed: Callable[[Origin, OutputError], None]) -> None:
        self._shards, self._failed = shards, failed
        self._waiting: deque[tuple[Origin, Callable[[], None]]] = deque()

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> Member:
        """The file of a result as it goes into an archive: it is read then."""
        artifact = result.artifact
        assert artifact is not None
        stamp = artifact.files[file]
        return Member(str(relative), stamp.size, stamp.digest, partial(artifact.with_file, file, _read))

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> Member:
        """The bytes as they go into an archive; they are made now."""
        made = data()
        return Member(str(relative), len(made), sha256_bytes(made), lambda: made)

    def finish(self, origin: Origin, outputs: Iterable[Member], tell: Callable[[Sequence[str]], None]) -> None:
        """Put these outputs into an archive; `tell` is called with where they are once that is whole.

        Raises CacheError or OutputError for what is wrong with this input, OSError where nothing can be written.
        """
        if self._shards.begins_another(origin.path):
            self.complete()
        self._waiting.append((origin, partial(tell, self._shards.add(origin.path, outputs))))

    def complete(self) -> None:
        """Put the archive at hand in its place, and tell of what is in it. Raises OSError."""
        try:
            self._shards.publish()
        except OutputError as error:
            while self._waiting:
                self._failed(self._waiting.popleft()[0], error)
        while self._waiting:
            self._waiting.popleft()[1]()

    def abandon(self) -> int:
        """Drop the archive at hand; how many inputs' results are in no archive now."""
        self._shards.abandon()
        return len({origin.path for origin, _ in self._waiting})


def _read(path: Path, stamp: FileStamp) -> bytes:
    data = path.read_bytes()
    if sha256_bytes(data) != stamp.digest:
        raise CacheError("the cached file differs from its sha256", where=path)
    return data
