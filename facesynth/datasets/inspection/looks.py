"""What a photo looks like, in 64 bits and in 150 numbers: the same after re-encoding, scaling or brightening.

Perceptual hashing by the discrete cosine transform as surveyed by Zauner (2010, Implementation and Benchmarking of
Perceptual Image Hash Functions), with the signs of coefficients in place of comparisons with their median: a mirror
image then has the same bits but for those of the odd horizontal frequencies.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.images import Photo

SHAPE_SIZE = 150
"""Numbers in a look's shape."""

_SIDE = 32
_FREQUENCIES = 16
_WEIGHT = 0.75
"""Power of a frequency that its coefficient is weighted by: fine structure tells faces of one pose apart."""
_FLAT = 1.0
"""Grey levels of contrast below which an image looks like nothing: an empty page, a black frame."""

_CHOSEN = sorted(
    ((u, v) for u in range(_FREQUENCIES) for v in range(_FREQUENCIES) if 0 < u + v <= _FREQUENCIES),
    key=lambda at: (at[0] + at[1], abs(at[0] - at[1]), at[0]),
)
_ROWS, _COLUMNS = np.array(_CHOSEN).T
_SCALE = (_ROWS**2 + _COLUMNS**2) ** (_WEIGHT / 2)
_ODD = _COLUMNS % 2 == 1
_COSINES = np.sqrt(2 / _SIDE) * np.cos(np.pi / _SIDE * np.outer(np.arange(_FREQUENCIES), np.arange(_SIDE) + 0.5))
_COSINES[0] /= np.sqrt(2)

MIRROR_SIGNS: NDArray[np.float32] = np.where(_ODD, -1, 1).astype(np.float32)
"""What a shape is multiplied by to become the mirror image's: 150 float32."""


def _packed(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


MIRROR_BITS = _packed(_ODD[:64])
"""The bits that a mirror turns over."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """`bits` is the 64-bit hash; `shape` is 150 float16, a vector of length 1."""

    bits: int
    shape: NDArray[np.float16]


def look_of(photo: Photo) -> Look | None:
    """The look of a photo of any size, scaled to a square; None for one without contrast.

    The grey image is averaged to 32×32 pixels and transformed (DCT-II, orthonormal); of its lowest frequencies 150
    weighted coefficients are the shape, without the mean, and the signs of the first 64 are the bits.
    """
    image = Image.fromarray(photo.pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    grey = np.asarray(image, dtype=np.float64)
    if grey.std() < _FLAT:
        return None
    coefficients = (_COSINES @ grey @ _COSINES.T)[_ROWS, _COLUMNS]
    shape = coefficients * _SCALE
    return Look(_packed(coefficients[:64] > 0), (shape / np.linalg.norm(shape)).astype(np.float16))


def distances(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The number of bits in which hashes differ (Hamming), broadcast: uint8."""
    differing = one ^ other
    if hasattr(np, "bitwise_count"):  # numpy 2
        return np.asarray(np.bitwise_count(differing))
    return ones_counted(differing)


def ones_counted(bits: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The number of ones in each 64-bit number: uint8. In words of a 16-bit table, for numpy 1."""
    words = np.ascontiguousarray(bits)[..., None].view(np.uint16)
    return np.asarray(_ones_of_words()[words].sum(axis=-1, dtype=np.uint8))


@functools.cache
def _ones_of_words() -> NDArray[np.uint8]:
    words = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
    return np.asarray(np.unpackbits(words).reshape(-1, 16).sum(axis=1, dtype=np.uint8))
