"""What a stage and its codec are: a predictor, made into a cached step from items to items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from facesynth.core.refs import Digest, Outcome

T = TypeVar("T")
In = TypeVar("In", contravariant=True)
Out = TypeVar("Out")


class Codec(Protocol[T]):
    """How a value lies on the disk, as ordinary files that any viewer opens."""

    @property
    def main(self) -> str:
        """The name of the file whose sha256 is the artifact's digest."""
        ...

    def write(self, value: T) -> Mapping[str, bytes]:
        """The value as files by name; `main` is among them. The same value gives the same bytes."""
        ...

    def read(self, folder: Path) -> T:
        """The value that `write` made the files in `folder` of."""
        ...


class FanOutCodec(Codec[tuple[T, ...]], Protocol[T]):
    """A codec of several values in one artifact, each with a main file of its own (the faces of one photo)."""

    def parts(self, names: Iterable[str]) -> Sequence[str]:
        """Of an artifact's file names, the main files of its parts, in order."""
        ...

    def read_part(self, folder: Path, index: int) -> T:
        """One part alone."""
        ...


class Stage(Protocol[In, Out]):
    """A step from items to items whose results depend on nothing but what it declares here and on the item.

    Cheap to make and to ask: whatever is slow (torch, a network) is loaded by the first call, which a fully cached run
    never makes.
    """

    name: ClassVar[str]
    """Part of the key and a folder of the cache: lowercase letters, digits and hyphens."""

    version: ClassVar[int]
    """Part of the key: to be raised whenever the same input and config give another result."""

    @property
    def config(self) -> Mapping[str, object]:
        """What changes the result and nothing else, as JSON values. Never device, engine, batch size or paths."""
        ...

    @property
    def weights(self) -> Mapping[str, Digest]:
        """The sha256 of every weights file used, by role; known before any is loaded, and the same from then on.

        A file that is another by the time it is loaded raises WeightsError.
        """
        ...

    @property
    def codec(self) -> Codec[Out]:
        """How results are kept."""
        ...

    def __call__(self, batch: Sequence[In]) -> Sequence[Outcome[Out]]:
        """One outcome an item, in order.

        Raises FacesynthError or RuntimeError; the items of a batch that did are then tried one by one.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileCodec(Generic[T]):
    """The codec of a value that is one file: `encode(value)` gives its bytes, `decode(data, where)` the value back."""

    main: str
    encode: Callable[[T], bytes]
    decode: Callable[[bytes, str], T]

    def write(self, value: T) -> Mapping[str, bytes]:
        """The one file, under its name."""
        return {self.main: self.encode(value)}

    def read(self, folder: Path) -> T:
        """The value in that file."""
        path = folder / self.main
        return self.decode(path.read_bytes(), str(path))
