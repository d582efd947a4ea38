"""Strips: square pictures of one size side by side, in reading order, without words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from facesynth.core.images import Photo

WIDEST = 4096
"""Pixels that the pictures of one row may take: many a viewer shows no wider picture at full size."""

_IN_A_ROW = 10


def strip(pictures: Sequence[Photo]) -> Photo:
    """The pictures in rows of `columns`, at the side that `cell_side` says, with a thin white gap between them."""
    row, side = columns(len(pictures)), cell_side(len(pictures), pictures[0].width)
    step = side + max(2, side // 32)
    down = math.ceil(len(pictures) / row)
    sheet = np.full((down * step - step + side, row * step - step + side, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // row * step, index % row * step
        sheet[top : top + side, left : left + side] = picture.resized(side, side).pixels
    return Photo(sheet)


def columns(count: int) -> int:
    """How many of so many pictures stand in a row: up to ten in one, more in rows that are equally long.

    Of more than fifty the rows are longer than ten, so that the strip stays about twice as wide as tall.
    """
    most = max(_IN_A_ROW, math.ceil(math.sqrt(2 * count)))
    return math.ceil(count / math.ceil(count / most))


def cell_side(count: int, side: int) -> int:
    """The side in pixels at which each of so many pictures of this side is shown."""
    return min(side, WIDEST // columns(count))
