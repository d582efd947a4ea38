"""The packed form of training pairs: two memory-mapped arrays at the size of training, made once, kept in the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.kept_arrays import Arrays, Plan, kept_arrays
from facesynth.datasets.pairs import Pair
from facesynth.store import ArtifactStore, Recipe

STAGE = "packed-pairs"
_VERSION = 2
_IMAGES, _LABELS = "images.npy", "labels.npy"
_TOGETHER = 32
"""Pairs that a thread identifies at once: of most the manifest tells all."""
_TOLD_EVERY = 64
"""Pairs after which it is told how far packing is."""


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """Pairs as two memory-mapped arrays: images N×S×S×3 uint8 and labels N×S×S uint8 (CelebAMask-HQ ids).

    `digest` is their Identity's.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    digest: str

    def __len__(self) -> int:
        return len(self.images)


@contextmanager
def packed(
    pairs: Iterable[Pair],
    size: int,
    store: ArtifactStore,
    *,
    identity: Identity | None = None,
    workers: int = 2,
    on_packed: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[PackedPairs]:
    """Lend the pairs at size×size, packed now or before; `cache gc` leaves them alone meanwhile.

    Another list, size or file packs anew. Who knows the pairs' `identity` already gives it, or they are identified
    here. `pairs` is gone through twice and never held; `on_packed(done, total)` hears how far
    packing is. Damaged files raise InputError by path.
    """
    known = identity or identify(pairs, workers=workers)
    recipe = Recipe(STAGE, _VERSION, {"size": size}, {}, (known.digest,))
    shape = (known.count, size, size)
    plan = Plan(
        f"{known.count} pairs packed at {size}×{size}",
        {_IMAGES: ((*shape, 3), np.uint8), _LABELS: (shape, np.uint8)},
    )

    def fill(arrays: Arrays) -> None:
        if _fill(pairs, arrays[_IMAGES], arrays[_LABELS], workers, on_packed) != known.digest:
            raise InputError(
                "the training pairs changed while they were being packed", hint="run the same command again"
            )

    with kept_arrays(store, recipe, plan, fill) as arrays:
        yield PackedPairs(arrays[_IMAGES], arrays[_LABELS], known.digest)


@dataclass(frozen=True, slots=True)
class Identity:
    """A digest of pairs, wherever they lie: names, orders of ids, and the bytes of the files; and how many they are."""

    digest: str
    count: int


def identify(pairs: Iterable[Pair], *, workers: int = 2) -> Identity:
    """Go through pairs once. Files are known by their manifest's sha256; where there is none, they are read.

    Raises InputError for a file that cannot be read.
    """
    digest, count, rest = hashlib.sha256(), 0, iter(pairs)
    groups = iter(lambda: tuple(islice(rest, _TOGETHER)), ())
    for group, lines in ordered_ahead(groups, lambda group: b"".join(map(_line, group)), workers=workers, name="hash"):
        digest.update(lines)
        count += len(group)
    return Identity(digest.hexdigest(), count)


def _line(pair: Pair) -> bytes:
    """All that a packed pair depends on. InputError for a file that cannot be read."""
    image, labels = _digest(pair.image, pair.image_sha256), _digest(pair.labels, pair.labels_sha256)
    return json.dumps([pair.name, pair.schema, image, labels]).encode()


def _digest(path: Path, told: str | None) -> str:
    return sha256_bytes(read_file(path)) if told is None else told


def _fill(
    pairs: Iterable[Pair],
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    workers: int,
    on_packed: Callable[[int, int], None],
) -> str:
    """Put every pair in its place, and return the digest of what that was."""
    count, size = images.shape[:2]

    def place(numbered: tuple[int, Pair]) -> bytes:
        index, pair = numbered
        photo, label_map = pair.read()
        images[index] = photo.resized(size, size).pixels
        labels[index] = label_map.resized(size, size).ids
        # After it was read, and before that `identify` did the same: what changed meanwhile has two digests.
        return _line(pair)

    digest = hashlib.sha256()
    numbered = enumerate(islice(pairs, count))
    for done, (_, line) in enumerate(ordered_ahead(numbered, place, workers=workers, name="pack"), start=1):
        digest.update(line)
        if done % _TOLD_EVERY == 0 or done == count:
            on_packed(done, count)
    return digest.hexdigest()
