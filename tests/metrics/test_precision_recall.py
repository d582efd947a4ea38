"""Precision and recall against shares counted by hand, and what they may hold in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.metrics.features import PickedRows
from facesynth.metrics.precision_recall import FEW, PrecisionRecall, precision_recall, small_sample_warning
from tests.metrics.feature_sets import mapped, noise


def test_a_set_against_itself() -> None:
    features = noise(100, 64, 0)
    assert precision_recall(features, features) == PrecisionRecall(1, 1, 3, 100, 100)


def test_sets_that_never_meet() -> None:
    features = noise(100, 64, 0)
    found = precision_recall(features, features[:60] + 100)
    assert (found.precision, found.recall, found.real_used, found.generated_used) == (0, 0, 100, 60)


def test_shares_counted_by_hand_on_a_line() -> None:
    real = np.array([[0.0], [1], [2], [3]])  # balls of 1 around each
    generated = np.array([[0.5], [10], [11]])  # balls of 9.5, 1 and 1
    found = precision_recall(real, generated, neighbours=1)
    assert found.precision == pytest.approx(1 / 3) and found.recall == 1
    turned = precision_recall(generated, real, neighbours=1)
    assert turned.precision == 1 and turned.recall == pytest.approx(1 / 3)


def test_a_generator_that_paints_one_face_is_precise_and_recalls_little() -> None:
    real = noise(500, 8, 0)
    found = precision_recall(real, noise(500, 8, 1) * 0.05)
    assert found.precision == 1 and found.recall < 0.05


def test_one_distribution_is_found_again() -> None:
    found = precision_recall(noise(1500, 4, 0), noise(1500, 4, 1))
    assert found.precision > 0.85 and found.recall > 0.85


def test_a_sample_is_taken_by_seed_and_said() -> None:
    real, generated = noise(400, 6, 0), noise(90, 6, 1)
    by_seed = [precision_recall(real, generated, limit=100, seed=seed) for seed in (1, 1, 2)]
    assert by_seed[0] == by_seed[1] != by_seed[2]
    assert (by_seed[0].real_used, by_seed[0].generated_used) == (100, 90)
    assert precision_recall(real, real, limit=50).precision == 1  # the same set is sampled the same way


def test_mapped_sets_give_the_same_and_only_their_sample_is_held(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    held = [noise(20_000, 256, seed) for seed in (0, 1)]
    real, generated = (mapped(features, tmp_path / f"{place}.f32") for place, features in enumerate(held))
    precision_recall(real[:20], generated[:20])  # what is imported is not counted below
    tracemalloc.start()
    found = precision_recall(real, generated, limit=500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == precision_recall(*held, limit=500)
    assert peak < held[0].nbytes / 5
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_too_few_pictures_for_the_neighbour() -> None:
    real = noise(10, 3, 0)
    with pytest.raises(UsageError, match="10 and 3 pictures are too few for a neighbour of rank 3"):
        precision_recall(real, real[:3])
    with pytest.raises(UsageError, match="3 and 3 pictures"):
        precision_recall(real, real, limit=3)
    with pytest.raises(UsageError, match="rank 0"):
        precision_recall(real, real, neighbours=0)
    assert precision_recall(real, real[:4]).generated_used == 4


def test_features_that_are_no_numbers_are_told_even_outside_the_sample() -> None:
    real = noise(400, 3, 0)
    for row in (0, 399):
        bad = real.copy()
        bad[row, 1] = np.nan
        with pytest.raises(FacesynthError, match=f"picture {row + 1} of the first set"):
            precision_recall(bad, real, limit=10)


def test_rows_of_a_set_are_a_set_and_few_are_warned_of() -> None:
    real, generated = noise(60, 3, 0), noise(60, 3, 1)
    rows = np.arange(1, 60, 2)
    for limit in (100, 10):
        picked = precision_recall(PickedRows(real, rows), generated, limit=limit)
        assert picked == precision_recall(real[rows], generated, limit=limit)
    assert small_sample_warning(FEW, FEW) is None
    assert f"over {FEW - 1} pictures" in str(small_sample_warning(FEW, FEW - 1))
