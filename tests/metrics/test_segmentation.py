"""Scores of label maps against scores counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facesynth.core.labels import LabelMap
from facesynth.metrics.segmentation import GROUPS, ConfusionMatrix
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


def test_precision_and_recall_counted_by_hand() -> None:
    matrix = ConfusionMatrix()
    matrix.add(LabelMap(np.array([[0, 0, 1, 1, 1]])), LabelMap(np.array([[0, 1, 1, 1, 0]])))
    skin = matrix.agreement((1,))
    assert (skin.both, skin.truth, skin.predicted) == (2, 3, 3)
    assert skin.precision == skin.recall == pytest.approx(2 / 3)
    assert skin.iou == pytest.approx(matrix.iou[1]) and skin.f1 == pytest.approx(matrix.f1[1])
    hat = matrix.agreement((14,))
    assert all(math.isnan(score) for score in (hat.iou, hat.f1, hat.precision, hat.recall))


def test_classes_taken_as_one_forgive_mixing_them_up() -> None:
    matrix = ConfusionMatrix()
    matrix.add(LabelMap(np.array([[4, 5, 0, 0]])), LabelMap(np.array([[5, 4, 4, 0]])))
    assert matrix.agreement((4,)).iou == matrix.agreement((5,)).iou == 0
    assert matrix.agreement(GROUPS["eyes"]).iou == pytest.approx(2 / 3)
    assert matrix.agreement(GROUPS["eyes"]).recall == 1


def test_groups_hold_each_class_once() -> None:
    held = [label for labels in GROUPS.values() for label in labels]
    assert len(held) == len(set(held)) == 8
