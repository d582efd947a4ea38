"""Training pairs: faces and their label maps from `images/` and `labels/`, packed once for a training run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import ConfigError, InputError, LabelMapError, UsageError
from facesynth.core.image_files import read_photo
from facesynth.core.label_files import read_label_map

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_PACK_VERSION = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one face and its label map; `name` is their common stem."""

    name: str
    image: Path
    labels: Path


def find_pairs(folder: Path) -> list[Pair]:
    """List the pairs of a folder that holds `images/` and `labels/`, sorted by name.

    Files without a partner raise UsageError, as does a folder without pairs.
    """
    images, labels = _by_stem(folder / "images"), _by_stem(folder / "labels")
    if lonely := sorted(images.keys() ^ labels.keys()):
        side = "label map" if lonely[0] in images else "image"
        raise UsageError(
            f"{len(lonely)} files have no partner, the first is {lonely[0]} (no {side})",
            where=folder,
            hint="images/ and labels/ must hold the same names",
        )
    if not images:
        raise UsageError("no pairs found", where=folder, hint="expected images/NAME.png and labels/NAME.png")
    return [Pair(name, images[name], labels[name]) for name in sorted(images)]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError("no such folder", where=folder, hint="training pairs lie in images/ and labels/ of one folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith("."):
            stem = path.relative_to(folder).with_suffix("").as_posix()
            if stem in found:
                raise UsageError(f"two files are named {stem}", where=folder, hint="keep one of them")
            found[stem] = path
    return found


@dataclass(frozen=True, slots=True)
class Split:
    """Which names train and which are held out for judging."""

    train: frozenset[str]
    validation: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Split:
        """Read `{"train": [...], "validation": [...]}`; ConfigError when it is not that or a name is on both sides."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            split = cls(frozenset(content["train"]), frozenset(content["validation"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"not a split file ({error})", where=path) from error
        if both := sorted(split.train & split.validation):
            raise ConfigError(f"{both[0]} is in train and in validation", where=path)
        return split

    def choose(self, pairs: Iterable[Pair]) -> tuple[list[Pair], list[Pair]]:
        """Divide pairs into (train, validation); pairs that the split does not name are left out."""
        known = list(pairs)
        return [p for p in known if p.name in self.train], [p for p in known if p.name in self.validation]


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """Pairs as two memory-mapped arrays: images N×S×S×3 uint8 and labels N×S×S uint8 (CelebAMask-HQ ids)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


def pack(pairs: Sequence[Pair], size: int, folder: Path, *, workers: int = 2) -> PackedPairs:
    """Return the pairs at size×size, made once in `folder` and memory-mapped from there afterwards.

    A changed list, size or file (by name, length and time) packs anew, in place of the old: `folder` is the run's own.
    Damaged files raise InputError by path.
    """
    recipe = {
        "version": _PACK_VERSION,
        "size": size,
        "files": [[p.name, *_stamp(p.image), *_stamp(p.labels)] for p in pairs],
    }
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    target = folder / digest[:16]
    if not target.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        _write(pairs, size, target, workers)
    return PackedPairs(np.load(target / "images.npy", mmap_mode="r"), np.load(target / "labels.npy", mmap_mode="r"))


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _write(pairs: Sequence[Pair], size: int, target: Path, workers: int) -> None:
    draft = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        count = len(pairs)
        images = np.lib.format.open_memmap(draft / "images.npy", "w+", np.uint8, (count, size, size, 3))
        labels = np.lib.format.open_memmap(draft / "labels.npy", "w+", np.uint8, (count, size, size))

        def place(index: int) -> None:
            images[index], labels[index] = _read(pairs[index], size)

        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(place, range(count)):
                pass
        images.flush()
        labels.flush()
        if not target.is_dir():
            os.rename(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read(pair: Pair, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    photo = read_photo(pair.image)
    if photo.width != photo.height:
        raise InputError(
            f"training faces are square, this one is {photo.width}×{photo.height}",
            where=pair.image,
            hint="run: facesynth segment PHOTOS... -o DIR, which aligns first",
        )
    labels = read_label_map(pair.labels)
    if labels.width != labels.height:
        raise LabelMapError(f"the label map is {labels.width}×{labels.height}, its face is square", where=pair.labels)
    return photo.resized(size, size).pixels, labels.resized(size, size).ids
