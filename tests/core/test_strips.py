"""Strips show every picture once, in reading order, in rows that a screen holds."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.images import Photo
from facesynth.core.strips import WIDEST, cell_side, columns, strip


def flat(level: int, side: int = 16) -> Photo:
    return Photo(np.full((side, side, 3), level, dtype=np.uint8))


@pytest.mark.parametrize("count", [2, 8, 10, 11, 17, 60])
def test_every_picture_is_there_in_reading_order(count: int) -> None:
    levels = [4 * index for index in range(count)]  # white, which gaps are, is none of them
    shown = strip([flat(level) for level in levels]).pixels
    seen = [int(value) for line in shown[::18] for value in line[::18, 0]]
    assert [value for value in seen if value != 255] == levels
    assert shown.shape[1] == 18 * columns(count) - 2


def test_up_to_ten_stand_in_one_row_and_more_in_rows_alike() -> None:
    assert [columns(count) for count in (2, 8, 10, 11, 16, 20, 32)] == [2, 8, 10, 6, 8, 10, 8]
    for count in range(2, 241):
        row = columns(count)
        rows = -(-count // row)
        assert rows * row - count < row and (rows == 1 or rows <= row)


def test_no_strip_is_wider_than_screens_show() -> None:
    for count in range(2, 241):
        assert 16 <= cell_side(count, 128) <= 128
        assert columns(count) * cell_side(count, 4096) <= WIDEST
    large = strip([flat(0, 1024)] * 8)
    assert large.size == (8 * 512 + 7 * 16, 512)
