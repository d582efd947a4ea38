"""What flows between stages: items that are identified before they are loaded, and what became of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar

from facesynth.core.archives import ArchivePart
from facesynth.core.errors import FacesynthError, InputError
from facesynth.core.files import read_file

Digest: TypeAlias = str
"""A sha256 as 64 lowercase hexadecimal characters."""

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
T_co = TypeVar("T_co", covariant=True)


def sha256_bytes(data: bytes) -> Digest:
    """The sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> Digest:
    """The sha256 of a file's bytes, read in pieces. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def short(digest: Digest) -> str:
    """The first 12 characters of a sha256: as much of one as is printed, in every line alike."""
    return digest[:12]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item came from: the input's path, and which of its faces where it held several."""

    path: str
    index: int | None = None

    def __str__(self) -> str:
        return self.path if self.index is None else f"{self.path} (face {self.index})"


class Item(Protocol[T_co]):
    """Anything that a stage can be asked to work on: `Ref`, `FileRef` or `PairRef`."""

    @property
    def origin(self) -> Origin:
        """Where it came from, for reports and output names."""
        ...

    def identify(self) -> Ref[T_co]:
        """The item with its digest; may read a file, decodes nothing. Raises InputError."""
        ...


@dataclass(frozen=True, slots=True)
class Ref(Generic[T_co]):
    """A value that is known by its digest and not yet loaded; `load()` reads and decodes it.

    Where what it refers to may be made anew, with other bytes in rare cases, `now()` is the digest of what `load()`
    gives now. `load` can be pickled, so that another process can call it: no lambda, no function within a function.
    """

    digest: Digest
    origin: Origin
    load: Callable[[], T_co] = field(repr=False, compare=False)
    now: Callable[[], Digest] | None = field(default=None, repr=False, compare=False)

    def identify(self) -> Ref[T_co]:
        """Itself, under the digest of now."""
        if self.now is None or (digest := self.now()) == self.digest:
            return self
        return replace(self, digest=digest)


@dataclass(frozen=True, slots=True)
class FileRef(Generic[T]):
    """An input file whose digest is that of its bytes; `decode(data, where)` makes the value of them.

    The bytes are not kept between `identify` and `load`: a run looks far ahead, and its memory must not grow with that.
    They lie in `part` of an archive where that is given, and `path` is but what the file is called.
    """

    path: Path
    origin: Origin
    decode: Callable[[bytes, str], T] = field(repr=False, compare=False)
    part: ArchivePart | None = None

    def identify(self) -> Ref[T]:
        """The file by the sha256 of its bytes. Raises InputError where it cannot be read."""
        digest = sha256_bytes(self._bytes())
        return Ref(digest, self.origin, partial(self._load, digest))

    def _load(self, digest: Digest) -> T:
        data = self._bytes()
        if sha256_bytes(data) != digest:  # or the result would be cached under the digest of other bytes, for ever
            raise InputError("the file changed while it was being read", where=self.path, hint="run again")
        return self.decode(data, str(self.path))

    def _bytes(self) -> bytes:
        return read_file(self.path) if self.part is None else self.part.read(str(self.path))


@dataclass(frozen=True, slots=True)
class PairRef(Generic[A, B]):
    """Two items as one, such as a label map and the style to paint it in; its origin is the first one's."""

    first: Item[A]
    second: Item[B]

    @property
    def origin(self) -> Origin:
        """The first item's."""
        return self.first.origin

    def identify(self) -> Ref[tuple[A, B]]:
        """Both, under a digest of their digests. Raises InputError where either cannot be read."""
        first, second = self.first.identify(), self.second.identify()

        def digest() -> Digest:
            return sha256_bytes(json.dumps([first.identify().digest, second.identify().digest]).encode())

        return Ref(digest(), self.origin, partial(_both, first.load, second.load), digest)


def _both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    return first(), second()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A stage's answer that there is no result, such as "no face found": as valid as a result, and cached like one."""

    reason: str


Outcome: TypeAlias = T | Rejected


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What is known of an artifact's file without reading it: bytes, and the sha256 of them."""

    size: int
    digest: Digest


class Artifact(Protocol):
    """The files that a result is kept in. Whoever uses them here gets the right bytes, or CacheError.

    Their sha256 is compared at each use, and those that turn out to be damaged are made anew.
    """

    @property
    def folder(self) -> Path:
        """Where they lie."""
        ...

    @property
    def files(self) -> Mapping[str, FileStamp]:
        """What is known of them, by name, as they are now."""
        ...

    def read(self, decode: Callable[[Path], T], names: Callable[[Mapping[str, FileStamp]], Iterable[str]] = ...) -> T:
        """What `decode` makes of the folder, of which it reads the files that `names` chooses (by default all)."""
        ...

    def with_file(self, name: str, work: Callable[[Path, FileStamp], T]) -> T:
        """What `work`, which compares them itself, makes of a file and its stamp; it may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Done(Generic[T_co]):
    """An item's result. `files` are what was found, by name; `artifact` holds them (None where no store was given)."""

    origin: Origin
    ref: Ref[T_co]
    cached: bool
    files: Mapping[str, FileStamp] = field(repr=False)
    artifact: Artifact | None = field(repr=False, compare=False)

    @property
    def folder(self) -> Path | None:
        """Where the files lie, to look at: what is read there is not compared with anything."""
        return None if self.artifact is None else self.artifact.folder


@dataclass(frozen=True, slots=True)
class Declined:
    """An item that the stage answered with `Rejected`."""

    origin: Origin
    reason: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that could not be read, computed or encoded. Never cached: the next run tries it again."""

    origin: Origin
    error: FacesynthError


Result: TypeAlias = Done[T] | Declined | Failed
