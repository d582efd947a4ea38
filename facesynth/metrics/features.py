"""Features as every distance here takes them: N×D, a row a picture, in memory or mapped from a file."""

from __future__ import annotations

import contextlib
import mmap
import warnings
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from facesynth.core.errors import FacesynthError

Features: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""N×D, float32 or float64; a `numpy.memmap` is one too."""


@dataclass(frozen=True, slots=True, eq=False)
class PickedRows:
    """Some rows of features, in the order of `rows`, as features of their own: what is asked for is read, no more."""

    features: Features
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """N×D."""
        return len(self.rows), self.features.shape[1]

    @property
    def ndim(self) -> int:
        """2, as of all features."""
        return self.features.ndim

    @property
    def dtype(self) -> np.dtype[np.float32] | np.dtype[np.float64]:
        """float32 or float64."""
        return self.features.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: slice | NDArray[np.int64]) -> Features:
        return self.features[self.rows[which]]


SomeFeatures: TypeAlias = Features | PickedRows
"""Features, or some rows of them."""

F = TypeVar("F", bound=SomeFeatures)

_ROWS_AT_ONCE = 1024


def checked_features(features: F, of: str, *, first_row: int = 0, dim: int | None = None) -> F:
    """Return `features` as they are, read once in blocks of 1024 rows.

    Raises ValueError for another shape or type, FacesynthError for NaN or infinity, with the row, which counts from
    `first_row`; `of` names the set in words ("the real set").
    """
    if features.ndim != 2 or (dim is not None and features.shape[1] != dim):
        raise ValueError(f"features of {of} are N×{dim or 'D'}, not of shape {features.shape}")
    if features.dtype not in (np.float32, np.float64):
        raise ValueError(f"features of {of} are float32 or float64, not {features.dtype}")
    for start in range(0, len(features), _ROWS_AT_ONCE):
        finite = np.isfinite(features[start : start + _ROWS_AT_ONCE]).all(axis=1)
        if not finite.all():
            row = first_row + start + int(np.argmin(finite))
            raise FacesynthError(
                f"the features of picture {row + 1} of {of} are not all finite numbers",
                hint="use weights whose features are finite, or leave that picture out",
            )
        let_go(features)
    return features


def let_go(features: SomeFeatures) -> None:
    """Have the system forget what was read of a mapped file: else a set that is gone through lies in memory as a whole.

    It stays mapped, and what is asked for again is read again. Nothing happens to features in memory.
    """
    array = features.features if isinstance(features, PickedRows) else features
    mapped: object = array.base
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    if isinstance(array, np.memmap) and isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        with contextlib.suppress(OSError, ValueError):  # it is a wish
            mapped.madvise(mmap.MADV_DONTNEED)


def as_tensor(features: Features) -> torch.Tensor:
    """The same memory, or the same mapped file, as a tensor: nothing is read or copied, nobody may write to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(features)
