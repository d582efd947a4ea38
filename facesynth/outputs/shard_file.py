"""One tar archive of results: written aside and published whole, or left as it lies where it would be the same."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest
from facesynth.outputs.tree import OutputTree, faults_told

_BLOCK, _RECORD = 512, 10_240
_PIECE = 1 << 20
_ALIVE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Member:
    """A file for an archive: its name there, and what is known of its bytes, which `read()` gives."""

    name: str
    size: int
    digest: Digest
    read: Callable[[], bytes] = field(repr=False, compare=False)


class ShardFile:
    """The archive at `relative` in an output tree. The same members give the same bytes: no times, no owners.

    What lies there already is compared with what comes, by the sha256 of each member, and nothing is written, nor any
    member read, as long as they are equal. From the first difference on a new archive is written aside.
    """

    def __init__(self, tree: OutputTree, relative: PurePosixPath) -> None:
        self.relative = relative
        self._tree = tree
        self._at = 0
        self._alive = time.monotonic()
        self._old: IO[bytes] | None = None
        self._new: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._old = tree.path(relative).open("rb")

    def add(self, sample: Sequence[Member]) -> None:
        """Add files that belong together: all of them, or none where this raises.

        Raises CacheError for a file of another size than it was said to have, OSError where nothing can be written:
        such an archive is not to be published.
        """
        start = self._at
        try:
            for member in sample:
                self._add(member)
        except OSError:
            raise
        except BaseException:
            self._at = start
            if self._new is not None:
                with faults_told(self._tree.path(self.relative)):
                    self._new.seek(start)
                    self._new.truncate()
            raise
        if time.monotonic() - self._alive > _ALIVE_SECONDS:
            self._tree.keep_alive()
            self._alive = time.monotonic()

    def publish(self) -> None:
        """Put the archive in its place, unless it lies there. Raises OutputError, OSError."""
        end = bytes(-(self._at + 2 * _BLOCK) % _RECORD + 2 * _BLOCK)
        fresh = self._at > 0 and not self._continues(end, last=True)
        if fresh:
            stream = self._written()
            with faults_told(self._tree.path(self.relative)):
                stream.write(end)
                stream.close()
        self.abandon()  # Windows replaces no file that is open
        if fresh:
            self._tree.publish(self._tree.draft(self.relative), self.relative)

    def abandon(self) -> None:
        """Leave what lies in the archive's place as it is."""
        for stream in (self._old, self._new):
            if stream is not None:
                with contextlib.suppress(OSError):  # a full disk, of which the fault that led here has told
                    stream.close()
        self._old = self._new = None

    def _add(self, member: Member) -> None:
        header, padding = _header(member), bytes(-member.size % _BLOCK)
        length = len(header) + member.size + len(padding)
        if not self._continues(header, member, padding):
            stream, data = self._written(), member.read()
            if len(data) != member.size:
                what = f"has {len(data)} bytes instead of {member.size}: it was made anew meanwhile"
                raise CacheError(what, where=member.name, hint="run the same command again")
            with faults_told(self._tree.path(self.relative)):
                stream.write(header + data + padding)
        self._at += length

    def _continues(
        self, header: bytes, member: Member | None = None, padding: bytes = b"", *, last: bool = False
    ) -> bool:
        """Whether the old archive goes on with just this, and ends with it where that is the `last`."""
        if self._new is not None or self._old is None:
            return False
        self._old.seek(self._at)
        if self._old.read(len(header)) != header:
            return False
        if member is not None:
            digest, missing = hashlib.sha256(), member.size
            while missing and (piece := self._old.read(min(missing, _PIECE))):
                digest.update(piece)
                missing -= len(piece)
            if missing or digest.hexdigest() != member.digest or self._old.read(len(padding)) != padding:
                return False
        return not last or not self._old.read(1)

    def _written(self) -> IO[bytes]:
        """The new archive, which begins as the old one does, as far as that was compared."""
        if self._new is None:
            draft = self._tree.draft(self.relative)
            with faults_told(self._tree.path(self.relative)):
                self._new = draft.open("w+b")
                if self._old is not None and self._at:
                    self._old.seek(0)
                    missing = self._at
                    while missing and (piece := self._old.read(min(missing, _PIECE))):
                        self._new.write(piece)
                        missing -= len(piece)
        return self._new


def _header(member: Member) -> bytes:
    told = tarfile.TarInfo(member.name)
    told.size, told.mode = member.size, 0o644
    return told.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
