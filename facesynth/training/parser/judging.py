"""How a parser in training does on held-out faces at their full size."""

from __future__ import annotations

from collections.abc import Mapping

from facesynth.core.images import Photo
from facesynth.core.sheets import contact_sheet
from facesynth.inference.parser import Parser
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.training.data import HeldOut

_SHOWN = 6


def scores_of(parser: Parser, held_out: HeldOut) -> Mapping[str, float]:
    """The scores of a parser on held-out faces, by name; empty where there are none."""
    if not held_out:
        return {}
    matrix = ConfusionMatrix()
    for group in held_out.groups():
        for (_, truth), predicted in zip(group, parser([face for face, _ in group]), strict=True):
            matrix.add(truth, predicted)
    return {f"validation/{name}": value for name, value in matrix.summary().items()}


def sheet_of(parser: Parser, held_out: HeldOut) -> Photo | None:
    """Rows of face, true labels and parsed labels; None where there are no held-out faces."""
    shown = next(held_out.groups(_SHOWN), None)
    if shown is None:
        return None
    parsed = parser([face for face, _ in shown])
    return contact_sheet([[face, truth, mine] for (face, truth), mine in zip(shown, parsed, strict=True)])
