"""How many pixels of each label every training face has, counted once a run."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.files import replacing
from facesynth.core.labels import NUM_LABELS


def label_counts(labels: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Pixels by label of each id map: N×19."""
    return np.array([np.bincount(one.ravel(), minlength=NUM_LABELS) for one in labels], dtype=np.int64)


def kept_counts(labels: NDArray[np.uint8], path: Path, digest: str) -> NDArray[np.int64]:
    """The same of packed label maps N×S×S, read from `path` where that holds those of this digest and size.

    To go through the maps takes minutes where there are hundreds of thousands, and a run may be resumed often.
    """
    key = f"{digest}-{labels.shape}"
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return np.asarray(kept["counts"], dtype=np.int64)
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        pass  # not there yet, or damaged: counted anew
    counts = label_counts(labels)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, key=np.array(key), counts=counts.astype(np.uint32))
    return counts
