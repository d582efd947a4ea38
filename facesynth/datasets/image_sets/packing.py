"""The packed form of a set of images: memory-mapped arrays at the size of training, made once, kept in the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.image_sets.sets import Fit, ImageSet
from facesynth.datasets.kept_arrays import Arrays, Plan, kept_arrays
from facesynth.store import ArtifactStore, Recipe

STAGE = "packed-images"
_VERSION = 1
_IMAGES, _TARGETS = "images.npy", "targets.npy"


@dataclass(frozen=True, slots=True)
class PackedImages:
    """Images N×S×S×3 uint8, and their targets: class ids (int64, N), attributes (uint8 0/1, N×classes), or None.

    Both are memory-mapped. `digest` tells names, bytes, classes and targets, wherever they lie, and no size.
    """

    images: NDArray[np.uint8]
    targets: NDArray[Any] | None
    classes: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.images)


@contextmanager
def packed_images(
    images: ImageSet,
    size: int,
    store: ArtifactStore,
    *,
    fit: Fit = "exact",
    digest: str | None = None,
    workers: int = 2,
    on_packed: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[PackedImages]:
    """Lend the images at size×size, packed now or before; `cache gc` leaves them alone meanwhile.

    Other images, another size or `fit` pack anew. Who knows the set's `digest` already gives it, or it is identified
    here. `on_packed(done, total)` hears how far packing is. InputError names an image that cannot be read, or that is
    not of this size where `fit` is exact; CacheError where the arrays do not fit on the disk.
    """
    known = digest or identify_images(images, workers=workers)
    recipe = Recipe(STAGE, _VERSION, {"size": size, "fit": fit}, {}, (known,))
    plan = Plan(f"{len(images)} images packed at {size}×{size}", _arrays(images, size))

    def fill(arrays: Arrays) -> None:
        if _fill(images, arrays, fit, workers, on_packed) != known:
            raise InputError("the images changed while they were being packed", hint="run the same command again")

    with kept_arrays(store, recipe, plan, fill) as arrays:
        yield PackedImages(arrays[_IMAGES], arrays.get(_TARGETS), images.classes, known)


def identify_images(images: ImageSet, *, workers: int = 2) -> str:
    """The digest of a set's classes, targets, names and bytes. InputError for a file that cannot be read."""
    digest = _beginning(images)
    blocks = ordered_ahead(_blocks(images), lambda block: images.block(block).stamp, workers=workers, name="hash")
    for _, stamp in blocks:
        digest.update(stamp)
    return digest.hexdigest()


def _arrays(images: ImageSet, size: int) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
    arrays: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {_IMAGES: ((len(images), size, size, 3), np.uint8)}
    if images.classes:
        count = len(images)
        arrays[_TARGETS] = ((count, len(images.classes)), np.uint8) if images.multi else ((count,), np.int64)
    return arrays


def _fill(images: ImageSet, arrays: Arrays, fit: Fit, workers: int, on_packed: Callable[[int, int], None]) -> str:
    """Put every image and its target in its place, and return the digest of what that was."""
    pixels, targets = arrays[_IMAGES], arrays.get(_TARGETS)

    def place(block: range) -> bytes:
        read, rows = images.block(block), slice(block.start, block.stop)
        read.put(pixels[rows], fit)
        if targets is not None:
            targets[rows] = images.targets(block)
        return read.stamp

    digest = _beginning(images)
    for block, stamp in ordered_ahead(_blocks(images), place, workers=workers, name="pack"):
        digest.update(stamp)
        on_packed(block.stop, len(images))
    return digest.hexdigest()


def _beginning(images: ImageSet) -> hashlib._Hash:
    """A digest of all that is known without reading an image."""
    digest = hashlib.sha256(json.dumps([len(images), images.classes, images.multi]).encode())
    for block in _blocks(images):
        told = images.targets(block)
        if told is not None:
            digest.update(np.ascontiguousarray(told).astype(told.dtype.newbyteorder("<")).tobytes())
    return digest


def _blocks(images: ImageSet) -> Iterator[range]:
    """All indices, so many together as are read at once."""
    for start in range(0, len(images), images.together):
        yield range(start, min(start + images.together, len(images)))
