"""What a parser learns from, ready to be read: packed pairs, their census, and packed faces without label maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.refs import sha256_bytes
from facesynth.datasets.packed import PackedPairs, identify, packed
from facesynth.store import ArtifactStore
from facesynth.training.data import held_out_pairs
from facesynth.training.parser.census import kept_counts
from facesynth.training.parser.unlabelled import UnlabelledFaces, allowed_faces
from facesynth.training.runs.parser import ParserRun


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Packed faces without label maps, and the indices of those that may be learnt from."""

    packed: PackedPairs
    allowed: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Material:
    """Pairs, their pixels by label (N×19), and faces without label maps where a run learns from such."""

    pairs: PackedPairs
    counts: NDArray[np.int64]
    unlabelled: Unlabelled | None = None


def unlabelled_faces(config: ParserRun, base: Path) -> UnlabelledFaces | None:
    """The faces in the teacher's folders, which start from `base`; None where a run learns from none."""
    if config.teacher is None or not config.unlabelled:
        return None
    return UnlabelledFaces(tuple(base / folder for folder in config.teacher.folders))


@contextmanager
def material(
    config: ParserRun,
    base: Path,
    pairs: PackedPairs,
    *,
    store: ArtifactStore,
    notes: Path,
    on_packed: Callable[[int, int], None],
) -> Iterator[Material]:
    """Lend the material of a run that has these packed pairs.

    What is counted or left out is noted in the folder `notes`, so that going on with a run need not do it again.
    """
    counts = kept_counts(pairs.labels, notes / "label-counts.npz", pairs.digest)
    faces = unlabelled_faces(config, base)
    if faces is None:
        yield Material(pairs, counts)
        return
    size, held_out = pairs.images.shape[1], held_out_pairs(config.data, base)
    with packed(faces, size, store, on_packed=on_packed) as images:
        both = sha256_bytes(f"{images.digest} {identify(held_out).digest}".encode())
        allowed = allowed_faces(images.images, held_out, notes / "left-out.json", both)
        yield Material(pairs, counts, Unlabelled(images, allowed))
