"""Patterns tell a label map exactly: nothing is lost, nothing is there twice."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.inference.patterns.finding import label_patterns
from tests.odd_label_maps import KINDS, odd_ids

LABELS = 19


@pytest.mark.parametrize("side", [2, 3, 5, 16, 61])
@pytest.mark.parametrize("kind", KINDS)
def test_each_pixel_has_the_pattern_that_is_around_it(kind: str, side: int) -> None:
    ids = odd_ids(kind, side)
    found = label_patterns(ids, LABELS)
    assert found is not None
    framed = np.pad(ids.astype(np.uint16), 2, constant_values=LABELS)
    windows = np.lib.stride_tricks.sliding_window_view(framed, (5, 5)).reshape(side * side, 25)
    keys = np.stack([np.frombuffer(key, dtype=np.uint16) for key in found.keys])
    assert np.array_equal(keys[found.index], windows)
    assert np.array_equal(found.middle[found.index], ids.reshape(-1))
    assert len(set(found.keys)) == len(found.keys) == len(np.unique(windows, axis=0))

    inside = np.concatenate([found.inner, np.full((1, 9), -1)])[found.outer].reshape(-1, 3, 3, 3, 3)
    for y in range(3):
        for x in range(3):
            middle = keys.reshape(-1, 5, 5)[:, y : y + 3, x : x + 3]
            ends = middle[:, 1, 1] == LABELS
            assert np.array_equal(inside[~ends, y, x], middle[~ends])
            assert (inside[ends, y, x] == -1).all()
    assert np.array_equal(np.unique(found.outer[found.outer < len(found.inner)]), np.arange(len(found.inner)))


def test_maps_that_are_not_square_and_rows_too_many_for_one_key() -> None:
    ids = odd_ids("noise", 64)[:7]
    found = label_patterns(ids, LABELS)
    assert found is not None and found.index.shape == (7 * 64,)
    assert len(set(found.keys)) == 7 * 64


def test_a_map_with_more_patterns_than_asked_for_is_left() -> None:
    noise, face = odd_ids("noise", 64), odd_ids("face", 64)
    assert label_patterns(noise, LABELS, most=1000) is None
    assert label_patterns(face, LABELS, most=1000) is not None
