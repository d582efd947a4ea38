"""What a parser learns from, ready to be read: packed pairs, their census, and packed faces without label maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
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
    """Pairs, their pixels by label (N×19), and faces without label maps by the setting that names their folders."""

    pairs: PackedPairs
    counts: NDArray[np.int64]
    unlabelled: Mapping[str, Unlabelled] = field(default_factory=dict)


def unlabelled_faces(config: ParserRun, base: Path) -> dict[str, UnlabelledFaces]:
    """The faces in a run's folders, which start from `base`, by the setting that names these; empty where none does."""
    named = config.folders.items()
    return {
        setting: UnlabelledFaces(tuple(base / folder for folder in folders), f"{setting}.folders")
        for setting, folders in named
    }


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
    counts, size = kept_counts(pairs.labels, notes / "label-counts.npz", pairs.digest), pairs.images.shape[1]
    found = unlabelled_faces(config, base)
    held_out = held_out_pairs(config.data, base) if found else []
    with ExitStack() as lent:
        unlabelled = {}
        for setting, faces in found.items():
            images = lent.enter_context(packed(faces, size, store, on_packed=on_packed))
            both = sha256_bytes(f"{images.digest} {identify(held_out).digest}".encode())
            path = notes / f"left-out-{setting}.json"
            allowed = allowed_faces(images.images, held_out, path, both, faces.setting)
            unlabelled[setting] = Unlabelled(images, allowed)
        yield Material(pairs, counts, unlabelled)
