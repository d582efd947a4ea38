"""The packed form of training pairs: two memory-mapped arrays at the size of training, made once, kept in the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import CacheError
from facesynth.datasets.pairs import Pair
from facesynth.store import ArtifactStore, Entry, Recipe, discard, pinned

STAGE = "packed-pairs"
_VERSION = 1
_IMAGES, _LABELS = "images.npy", "labels.npy"
_WINDOW = 256
"""Pairs that are handed to the threads at once."""


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """Pairs as two memory-mapped arrays: images N×S×S×3 uint8 and labels N×S×S uint8 (CelebAMask-HQ ids)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


@contextmanager
def packed(
    pairs: Iterable[Pair],
    size: int,
    store: ArtifactStore,
    *,
    workers: int = 2,
    on_packed: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[PackedPairs]:
    """Lend the pairs at size×size, packed now or before; `cache gc` leaves them alone meanwhile.

    Another list, size or file packs anew. Files are known by the digests in their manifest; where there is none, by
    name, length and time. `pairs` is gone through twice and never held; `on_packed(done, total)` hears how far packing
    is. Damaged files raise InputError by path.
    """
    digest, count = _identify(pairs)
    recipe = Recipe(STAGE, _VERSION, {"size": size}, {}, (digest,))
    entry = store.lookup(STAGE, recipe.key()) or _pack(pairs, count, size, store, recipe, workers, on_packed)
    with pinned(store, STAGE, recipe.key()):
        yield _open(entry, count, size)


def _open(entry: Entry, count: int, size: int) -> PackedPairs:
    try:
        images, labels = (np.load(entry.folder / name, mmap_mode="r") for name in (_IMAGES, _LABELS))
        if images.shape != (count, size, size, 3) or labels.shape != (count, size, size):
            raise ValueError(f"images of shape {images.shape}, labels of shape {labels.shape}")
    except (OSError, ValueError) as error:
        discard(entry.folder)
        what = f"the packed pairs could not be read ({error}) and were thrown away"
        raise CacheError(what, where=entry.folder, hint="run the same command again: they are packed anew") from error
    return PackedPairs(images, labels)


def _identify(pairs: Iterable[Pair]) -> tuple[str, int]:
    """The digest of what is packed, and of how many pairs that is."""
    digest, count = hashlib.sha256(), 0
    for pair in pairs:
        stamp = pair.digest or [*_stamp(pair.image), *_stamp(pair.labels)]
        digest.update(json.dumps([pair.name, pair.schema, stamp]).encode())
        count += 1
    return digest.hexdigest(), count


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _pack(
    pairs: Iterable[Pair],
    count: int,
    size: int,
    store: ArtifactStore,
    recipe: Recipe,
    workers: int,
    on_packed: Callable[[int, int], None],
) -> Entry:
    with store.workplace() as place:
        images, labels = place / _IMAGES, place / _LABELS
        _fill(
            pairs,
            np.lib.format.open_memmap(images, "w+", np.uint8, (count, size, size, 3)),
            np.lib.format.open_memmap(labels, "w+", np.uint8, (count, size, size)),
            workers,
            on_packed,
        )
        return store.publish(recipe, {_IMAGES: images, _LABELS: labels}, main=_IMAGES, move=True)


def _fill(
    pairs: Iterable[Pair], images: np.memmap, labels: np.memmap, workers: int, on_packed: Callable[[int, int], None]
) -> None:
    size = images.shape[1]

    def place(numbered: tuple[int, Pair]) -> None:
        index, pair = numbered
        photo, label_map = pair.read()
        images[index] = photo.resized(size, size).pixels
        labels[index] = label_map.resized(size, size).ids

    with ThreadPoolExecutor(workers, thread_name_prefix="facesynth-pack") as pool:
        numbered, done = enumerate(pairs), 0
        while window := list(islice(numbered, _WINDOW)):
            for _ in pool.map(place, window):
                pass
            done += len(window)
            on_packed(done, len(images))
    images.flush()
    labels.flush()
