"""What people call the regions of a face, and the labels that each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from facesynth.core.errors import UsageError
from facesynth.core.labels import Label

REGIONS: Mapping[str, tuple[Label, ...]] = MappingProxyType(
    {label.name.lower(): (label,) for label in Label}
    | {
        # All that is bare: a nose in another skin than the cheeks around it is not what was asked for.
        "skin": (Label.SKIN, Label.NOSE, Label.L_EAR, Label.R_EAR, Label.NECK),
        "eyes": (Label.L_EYE, Label.R_EYE),
        "brows": (Label.L_BROW, Label.R_BROW),
        "ears": (Label.L_EAR, Label.R_EAR),
        "lips": (Label.U_LIP, Label.L_LIP),
    }
)
"""Labels by the name of a region: each label's own name, and names for several. `skin` is all skin."""


def region_named(name: str) -> tuple[Label, ...]:
    """The labels of a region by its name. Raises UsageError, which lists the names."""
    try:
        return REGIONS[name]
    except KeyError:
        raise UsageError(f"unknown region {name!r}", hint=f"use one of: {', '.join(REGIONS)}") from None
