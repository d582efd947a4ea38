"""Which class, or which attributes, each of very many images has, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Targets(Protocol):
    """What is known of images by index."""

    @property
    def multi(self) -> bool:
        """Whether an image has several at once."""
        ...

    def of(self, indices: Sequence[int]) -> NDArray[Any] | None:
        """Class ids (int64, N), attributes (uint8 0/1, N×classes), or None."""
        ...


@dataclass(frozen=True, slots=True)
class Untold:
    """Images of no class."""

    multi: bool = False

    def of(self, indices: Sequence[int]) -> None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class ClassIds:
    """One class an image: `ids` is N, of any type of integers."""

    ids: NDArray[Any]
    multi: bool = False

    def of(self, indices: Sequence[int]) -> NDArray[np.int64]:
        return self.ids[np.asarray(indices, dtype=np.int64)].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """Several of `count` an image: `bits` is N×⌈count/8⌉ uint8, the first attribute the lowest bit of the first."""

    bits: NDArray[np.uint8]
    count: int
    multi: bool = True

    def of(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        chosen = self.bits[np.asarray(indices, dtype=np.int64)]
        return np.unpackbits(chosen, axis=1, count=self.count, bitorder="little")
