"""The packed form of training pairs: two memory-mapped arrays at the size of training, made once, kept in the store."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import CacheError, InputError
from facesynth.core.files import read_file
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.pairs import Pair
from facesynth.store import ArtifactStore, Entry, Recipe, discard, pinned, written_to

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
    identity = identity or identify(pairs, workers=workers)
    recipe = Recipe(STAGE, _VERSION, {"size": size}, {}, (identity.digest,))
    entry = _whole(store.lookup(STAGE, recipe.key()), store.root)
    if entry is None:
        entry = _pack(pairs, identity.count, size, store, recipe, workers, on_packed)
    with pinned(store, STAGE, recipe.key()):
        images, labels = (np.load(entry.folder / name, mmap_mode="r") for name in (_IMAGES, _LABELS))
        yield PackedPairs(images, labels, identity.digest)


def _whole(entry: Entry | None, root: Path) -> Entry | None:
    """The entry if its bytes, all read once, are those that were packed; a damaged one is thrown away.

    Raises CacheError where the cache cannot be written.
    """
    if entry is not None:
        try:
            entry.check()
        except CacheError:
            with written_to(root):
                discard(entry.folder)
            return None
    return entry


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
        _require_space(place, count, size, store.root)
        if _written(pairs, count, size, place, store.root, workers, on_packed) != recipe.inputs[0]:
            raise InputError(
                "the training pairs changed while they were being packed", hint="run the same command again"
            )
        return store.publish(recipe, {name: place / name for name in (_IMAGES, _LABELS)}, main=_IMAGES, move=True)


def _written(
    pairs: Iterable[Pair],
    count: int,
    size: int,
    place: Path,
    root: Path,
    workers: int,
    on_packed: Callable[[int, int], None],
) -> str:
    """Write the arrays, and return the digest of what they hold. Afterwards nothing maps their files: Windows moves
    no file that someone has open."""
    with written_to(root):
        images = _new_array(place / _IMAGES, (count, size, size, 3))
        labels = _new_array(place / _LABELS, (count, size, size))
    digest = _fill(pairs, images, labels, workers, on_packed)
    with written_to(root):
        images.flush()
        labels.flush()
    return digest


def _require_space(place: Path, count: int, size: int, root: Path) -> None:
    """Raise CacheError where the arrays cannot fit: to fill a mapped file on a full disk kills the process."""
    needed, free = count * size * size * 4, shutil.disk_usage(place).free
    if needed > free:
        what = f"{count} pairs packed at {size}×{size} need {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free"
        raise CacheError(what, where=root, hint="free some space, or choose another folder with --cache DIR")


def _new_array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """A new mapped array, whose place on the disk is taken at once where the system can do that."""
    array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            try:
                os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):  # the file system's inability
                    raise
    return array


def _fill(
    pairs: Iterable[Pair], images: np.memmap, labels: np.memmap, workers: int, on_packed: Callable[[int, int], None]
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
