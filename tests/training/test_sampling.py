"""The order of training pairs: every epoch whole, by the seed, and rare labels more often where that is asked for."""

from __future__ import annotations

import numpy as np

from facesynth.core.labels import Label
from facesynth.training.parser.census import label_counts
from facesynth.training.sampling import ShuffledOrder, repeated_for_rare


def test_every_epoch_shows_every_item_once() -> None:
    order = ShuffledOrder(7, seed=3)
    shown = order(0, 21).reshape(3, 7)
    assert [sorted(epoch) for epoch in shown.tolist()] == [list(range(7))] * 3
    assert len({tuple(epoch) for epoch in shown.tolist()}) > 1
    assert np.array_equal(ShuffledOrder(7, seed=3)(5, 9), order(5, 9))


def test_faces_with_rare_labels_come_more_often() -> None:
    plain = np.zeros((8, 8), dtype=np.uint8)
    necklace = plain.copy()
    necklace[0, 0] = Label.NECK_L
    labels = [necklace, *[plain] * 99]
    items = repeated_for_rare(label_counts(labels), threshold=0.09, seed=0)  # 1 in 100: √(0.09 / 0.01) = 3 times
    assert np.bincount(items).tolist() == [3, *[1] * 99]
    assert np.array_equal(repeated_for_rare(label_counts(labels), threshold=0.0, seed=0), np.arange(100))


def test_fractions_of_a_repeat_are_drawn_by_the_seed() -> None:
    plain = np.zeros((4, 4), dtype=np.uint8)
    hat = np.full((4, 4), Label.HAT, dtype=np.uint8)
    labels = [*[hat] * 500, *[plain] * 500]
    items = repeated_for_rare(label_counts(labels), threshold=1.0, seed=1)  # √(1 / 0.5) = 1.41 times, hats and plain
    counts = np.bincount(items)
    assert set(counts.tolist()) == {1, 2}
    assert 1.3 < counts.mean() < 1.5
