"""What every set of images is, whatever its files look like."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo

Layout = Literal["auto", "folder", "classes", "attributes", "cifar-10", "cifar-100"]
Part = Literal["train", "test"]
Fit = Literal["exact", "crop"]
"""exact: every image has the size asked for. crop: its centre square, resized (antialiased)."""


class Block(ABC):
    """Some images of a set: their bytes are read, and not decoded yet.

    `stamp` tells their names and the sha256 of their bytes; it is the stamps of smaller blocks, one after the other.
    """

    stamp: bytes

    @abstractmethod
    def put(self, into: NDArray[np.uint8], fit: Fit) -> None:
        """Decode the images into N×S×S×3. InputError names the first that cannot be, or does not fit."""


class ImageSet(ABC):
    """Images by index, in an order that their names alone decide. It holds names and targets, and never pixels."""

    classes: tuple[str, ...]
    """The classes' names by class id, or the attributes' names; () where none are told."""
    multi: bool
    """Whether an image has several of them at once (attributes), and not one."""
    together: int
    """How many images make a block that is quick to read and small in memory."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """The image's name: unlike any other's, without suffix, `/` between its parts. IndexError outside the set."""

    @abstractmethod
    def read(self, index: int) -> Photo:
        """The image at its own size. InputError names a file that cannot be read."""

    @abstractmethod
    def block(self, indices: Sequence[int]) -> Block:
        """Read the bytes of these images. InputError names a file that cannot be read."""

    @abstractmethod
    def targets(self, indices: Sequence[int]) -> NDArray[Any] | None:
        """Class ids (int64, N), attributes (uint8 0/1, N×classes), or None where there are no classes."""

    def target(self, index: int) -> int | tuple[int, ...] | None:
        """The class id, the attributes as 0 or 1 each, or None where there are no classes."""
        found = self.targets([index])
        if found is None:
            return None
        return tuple(int(value) for value in found[0]) if self.multi else int(found[0])
