"""Left and right of a label map: whether the two were mixed up."""

from __future__ import annotations

import numpy as np

from facesynth.core.labels import FLIP_PAIRS, LabelMap


def sides_swapped(labels: LabelMap) -> bool:
    """Tell whether left and right were mixed up: the subject's left eye lies to the left of the right one.

    In a face that is not mirrored `l_` lies on the right half of the image. Where an eye is missing the brows decide,
    then the ears; a map without any such pair is not swapped.
    """
    for left, right in FLIP_PAIRS:
        centres = [_centre(labels, side) for side in (left, right)]
        if centres[0] is not None and centres[1] is not None:
            return centres[0] < centres[1]
    return False


def _centre(labels: LabelMap, label: int) -> float | None:
    """The mean x of a label's pixels, None where it has none."""
    columns = np.count_nonzero(labels.ids == label, axis=0)
    total = int(columns.sum())
    return None if not total else float(columns @ np.arange(labels.width)) / total
