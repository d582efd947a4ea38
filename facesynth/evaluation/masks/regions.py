"""The regions of a face that masks are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from facesynth.core.labels import Label, LabelMap

MAIN = "head"
REGIONS: Mapping[str, frozenset[Label]] = MappingProxyType(
    {
        MAIN: frozenset(Label) - {Label.BACKGROUND, Label.CLOTH},
        "face": frozenset(Label)
        - {Label.BACKGROUND, Label.CLOTH, Label.HAIR, Label.HAT, Label.EAR_R, Label.NECK_L, Label.NECK},
        "skin": frozenset({Label.SKIN}),
        "hair": frozenset({Label.HAIR}),
    }
)
REGIONS_TOLD: Mapping[str, str] = MappingProxyType(
    {
        MAIN: "all but background and cloth",
        "face": "skin, ears and what lies in the face; no hair, hat, neck or jewellery",
        "skin": "the label skin alone, without eyes, nose, mouth, ears and neck",
        "hair": "the label hair alone",
    }
)
_CENTRE = 0.35
"""The radius, in sides of the picture, of the disc that stands for the face where nothing is parsed."""


def region_at(labels: LabelMap, region: frozenset[Label], side: int) -> NDArray[np.bool_]:
    """Where more than half of each of side×side equal cells is of the region; `side` divides the label map's.

    Raises ValueError where it does not.
    """
    if labels.height % side or labels.width % side:
        raise ValueError(f"a label map of {labels.width}×{labels.height} has no {side}×{side} equal cells")
    inside = np.isin(labels.ids, [int(label) for label in region])
    cells = inside.reshape(side, labels.height // side, side, labels.width // side)
    within: NDArray[np.bool_] = cells.mean((1, 3)) > 0.5
    return within


def centre(side: int) -> NDArray[np.bool_]:
    """The disc in the middle of side×side pixels that is taken for the face where there is no parser."""
    place = (np.arange(side) + 0.5) / side - 0.5
    within: NDArray[np.bool_] = np.hypot(place[:, None], place[None]) < _CENTRE
    return within
