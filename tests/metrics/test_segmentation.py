"""Scores of label maps against scores counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facesynth.core.labels import LabelMap
from facesynth.metrics.segmentation import ConfusionMatrix
from tests.drawn_pairs import drawn_labels


def test_a_map_agrees_with_itself() -> None:
    matrix = ConfusionMatrix()
    matrix.add(drawn_labels(0), drawn_labels(0))
    assert matrix.pixel_accuracy == matrix.mean_iou == matrix.mean_f1 == 1
    assert math.isnan(matrix.iou[14])  # no hat on either side


def test_scores_counted_by_hand() -> None:
    matrix = ConfusionMatrix()
    matrix.add(LabelMap(np.array([[0, 0, 1, 1]])), LabelMap(np.array([[0, 1, 1, 1]])))
    assert matrix.pixel_accuracy == pytest.approx(3 / 4)
    assert matrix.iou[:2] == pytest.approx([1 / 2, 2 / 3])
    assert matrix.f1[:2] == pytest.approx([2 / 3, 4 / 5])
    assert matrix.mean_iou == pytest.approx(7 / 12)
    assert matrix.mean_f1 == pytest.approx(4 / 5)


def test_a_label_seen_only_by_the_prediction_counts_against_it() -> None:
    matrix = ConfusionMatrix()
    matrix.add(LabelMap(np.array([[1, 1]])), LabelMap(np.array([[1, 14]])))
    assert matrix.iou[14] == 0
    assert matrix.mean_iou == pytest.approx(1 / 4)


def test_one_matrix_over_all_pixels_and_nothing_at_all() -> None:
    both, parts = ConfusionMatrix(), [ConfusionMatrix(), ConfusionMatrix()]
    for seed, part in enumerate(parts):
        for matrix in (both, part):
            matrix.add(drawn_labels(seed), drawn_labels(seed + 5))
    assert np.array_equal(both.counts, parts[0].counts + parts[1].counts)
    assert math.isnan(ConfusionMatrix().pixel_accuracy)


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        ConfusionMatrix().add(drawn_labels(0, 32), drawn_labels(0, 64))
