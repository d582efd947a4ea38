"""Masks, γ and β as pictures: numbers in, colours out, nearest neighbours where they are enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo

Field = NDArray[np.floating]
"""side×side."""

_BELOW, _ZERO, _ABOVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)
"""Blue, near white, red: as dark at both ends, and told apart by those who see no red or green."""
_SHARE = 0.99


def grey(values: Field, low: float, high: float, side: int) -> Photo:
    """Black at `low` or below, white at `high` or above, side×side pixels."""
    return Photo(enlarged(grey_colours(values, low, high), side))


def grey_colours(values: Field, low: float, high: float) -> NDArray[np.uint8]:
    """H×W numbers → H×W×3."""
    levels = np.clip((values.astype(np.float64) - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.repeat(np.rint(levels).astype(np.uint8)[..., None], 3, axis=-1)


def diverging(values: Field, reach: float, side: int) -> Photo:
    """Blue at -reach or below, near white at 0, red at reach or above, side×side pixels."""
    return Photo(enlarged(diverging_colours(values.astype(np.float64) / max(reach, 1e-12)), side))


def diverging_colours(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """…numbers in -1..1, clipped, → …×3."""
    share = np.clip(np.abs(values), 0, 1)[..., None]
    end = np.where((values < 0)[..., None], _BELOW, _ABOVE)
    colours: NDArray[np.uint8] = np.rint((1 - share) * np.array(_ZERO) + share * end).astype(np.uint8)
    return colours


def mask_range(masks: NDArray[np.floating]) -> tuple[float, float]:
    """From where to where masks are drawn: all but the outermost hundredth of their values, rounded outwards."""
    low, high = np.quantile(masks.astype(np.float64), [(1 - _SHARE) / 2, (1 + _SHARE) / 2])
    return float(np.floor(low * 100) / 100), float(np.ceil(high * 100) / 100)


def reach_of(values: NDArray[np.floating]) -> float:
    """How far from 0 numbers are drawn to: all but the outermost hundredth, to two digits."""
    found = float(np.quantile(np.abs(values.astype(np.float64)), _SHARE))
    return float(f"{found:.2g}") or 1.0


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """H×W×3 → side×side×3 by nearest neighbours."""
    rows = np.arange(side) * pixels.shape[0] // side
    columns = np.arange(side) * pixels.shape[1] // side
    nearest: NDArray[np.uint8] = pixels[rows[:, None], columns[None]]
    return nearest
