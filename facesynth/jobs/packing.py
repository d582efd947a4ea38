"""Results on their way into archives, and the rows of the report that tell of them once an archive is whole."""

from __future__ import annotations

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
    """Puts results into archives. Each input's rows wait until its archive is in place: until then nothing is done.

    `failed` is told of the inputs whose archive cannot be put in its place.
    """

    def __init__(self, shards: Shards, failed: Callable[[Origin, OutputError], None]) -> None:
        self._shards, self._failed = shards, failed
        self._waiting: list[tuple[Origin, Callable[[], None]]] = []

    def hold_file(self, result: Done[Any], file: str, relative: PurePosixPath) -> None:
        """Keep a file of a result in mind as the output `relative`."""
        artifact = result.artifact
        assert artifact is not None
        stamp = artifact.files[file]
        read = partial(artifact.with_file, file, _read)
        self._shards.hold(relative, Member(str(relative), stamp.size, stamp.digest, read))

    def hold_bytes(self, data: bytes, relative: PurePosixPath) -> None:
        """Keep bytes in mind as the output `relative`."""
        self._shards.hold(relative, Member(str(relative), len(data), sha256_bytes(data), lambda: data))

    def finish(self, origin: Origin, outputs: Iterable[PurePosixPath], tell: Callable[[Sequence[str]], None]) -> None:
        """Put what is held of these outputs into an archive; `tell` is called with where they are once that is whole.

        Raises CacheError or OutputError for what is wrong with this input, OSError where nothing can be written.
        """
        if self._shards.begins_another(origin.path):
            self.publish()
        self._waiting.append((origin, partial(tell, self._shards.add(origin.path, outputs))))

    def publish(self) -> None:
        """Put the archive at hand in its place, and tell of what is in it. Raises OSError."""
        waiting, self._waiting = self._waiting, []
        try:
            self._shards.publish()
        except OutputError as error:
            for origin, _ in waiting:
                self._failed(origin, error)
            return
        for _, tell in waiting:
            tell()

    def abandon(self) -> int:
        """Drop the archive at hand; how many inputs' results are in no archive now."""
        self._shards.abandon()
        return len(self._waiting)


def _read(path: Path, stamp: FileStamp) -> bytes:
    data = path.read_bytes()
    if sha256_bytes(data) != stamp.digest:
        raise CacheError("the cached file differs from its sha256", where=path)
    return data
