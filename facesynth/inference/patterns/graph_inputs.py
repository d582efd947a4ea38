"""A label map's patterns by the names that exported generators take them under. Needs NumPy alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facesynth.inference.patterns.finding import label_patterns


def pattern_inputs(ids: NDArray[np.uint8], sides: Iterable[int], labels: int) -> dict[str, NDArray[np.int64]]:
    """size×size ids below `labels` → for each of the sides, which divide the size, four arrays of int64.

    `index_SIDE`: side², the pattern of each pixel of the map at that side. `labels_SIDE`: P, a pattern's own label.
    `outer_SIDE`: P×9, which 3×3 patterns it is made of, K where the map ends. `inner_SIDE`: K×9 labels, `labels` where
    the map ends. A graph does not mind rows beyond those that are meant, so that all but `index` may be padded; an
    `inner` that is, is to be padded before `outer` is made, whose K is its length.
    """
    made: dict[str, NDArray[np.int64]] = {}
    for side in sides:
        step = len(ids) // side
        found = label_patterns(ids[::step, ::step], labels)
        assert found is not None  # it is told no number that would be too many
        made |= {
            f"index_{side}": found.index,
            f"labels_{side}": found.middle,
            f"outer_{side}": found.outer,
            f"inner_{side}": found.inner,
        }
    return made
