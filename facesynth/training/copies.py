"""Faces that a run may not learn from since it is judged on them: copies that were encoded anew, and mirror images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np

from facesynth.core.image_files import read_photo
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.inspection.duplicates import MAX_DISTANCE, MIN_LIKENESS
from facesynth.datasets.inspection.looks import MIRROR_BITS, MIRROR_SIGNS, Look, distances, look_of
from facesynth.datasets.pairs import Pair

_MOST_WORKERS = 8


def copies_among(looks: Iterable[Look | None], held_out: Iterable[Look | None]) -> set[int]:
    """The indices of looks that are those of held-out faces or of their mirror images, told as `dataset inspect` does.

    None is the look of a face without contrast, which is like nobody's.
    """
    numbered = [(index, look) for index, look in enumerate(looks) if look is not None]
    if not numbered:
        return set()
    indices = np.array([index for index, _ in numbered])
    bits = np.array([look.bits for _, look in numbered], dtype=np.uint64)
    shapes = np.stack([look.shape for _, look in numbered])
    found: set[int] = set()
    for one in held_out:
        if one is None:
            continue
        for flip, signs in ((0, 1), (MIRROR_BITS, MIRROR_SIGNS)):
            near = np.flatnonzero(distances(bits, np.array(one.bits ^ flip, dtype=np.uint64)) <= MAX_DISTANCE)
            likeness = shapes[near].astype(np.float32) @ (one.shape.astype(np.float32) * signs)
            found.update(indices[near[likeness >= MIN_LIKENESS]].tolist())
    return found


def looks_of(pairs: Iterable[Pair]) -> Iterator[tuple[Pair, Look | None]]:
    """Each pair with the look of its image, read in several threads: 3 ms a face of 512 pixels. ImageError by path."""
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    return ordered_ahead(pairs, lambda pair: look_of(read_photo(pair.image)), workers=workers, name="looks")
