"""The kernel distance against its formula, its expectation, and what it may hold in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.metrics.features import PickedRows
from facesynth.metrics.kernel_distance import FEW, kernel_distance, small_subsets_warning
from tests.metrics.feature_sets import mapped, noise


def test_a_subset_of_everything_is_the_formula_by_hand() -> None:
    first, second = noise(7, 4, 0).astype(np.float64), noise(7, 4, 1).astype(np.float64) + 1

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 4 + 1) ** 3)

    within = [
        sum(kernel(side[i], side[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
        for side in (first, second)
    ]
    between = sum(kernel(x, y) for x in first for y in second) / 49
    found = kernel_distance(first, second, subsets=2, subset_size=7)
    assert found.spread.mean == pytest.approx(within[0] + within[1] - 2 * between)
    assert found.subset_size == 7 and found.spread.count == 2


def test_its_expectation_for_two_normal_distributions() -> None:
    """In one dimension E(xy + 1)³ falls apart into moments: the squared MMD is Σ (3 over k) (E xᵏ - E yᵏ)²."""
    first, second = noise(20_000, 1, 0), noise(20_000, 1, 1) + 1
    expected = 3 * (0 - 1) ** 2 + 3 * (1 - 2) ** 2 + (0 - 4) ** 2
    assert kernel_distance(first, second, subsets=100, subset_size=300).spread.mean == pytest.approx(expected, rel=0.05)


def test_sets_of_one_distribution_lie_about_0_on_either_side_of_it() -> None:
    found = [kernel_distance(noise(200, 8, seed), noise(200, 8, seed + 50), subset_size=100) for seed in range(12)]
    means = np.array([distance.spread.mean for distance in found])
    assert (means < 0).any() and (means > 0).any()
    assert abs(means.mean()) < 3 * means.std(ddof=1) / len(means) ** 0.5
    apart = kernel_distance(noise(200, 8, 0), noise(200, 8, 50) + 1, subset_size=100).spread.mean
    assert apart > 20 * np.abs(means).max()


def test_it_follows_its_seed() -> None:
    first, second = noise(60, 3, 0), noise(60, 3, 1)
    by_seed = [kernel_distance(first, second, subsets=5, subset_size=20, seed=seed) for seed in (1, 1, 2)]
    assert by_seed[0] == by_seed[1] != by_seed[2]


def test_the_largest_subset_that_fits_is_asked_for_and_said() -> None:
    first, second = noise(50, 3, 0), noise(31, 3, 1)
    assert kernel_distance(first, second, subsets=3, subset_size=None).subset_size == 15
    large = noise(2100, 3, 0)
    for count, size in ((2100, 1000), (1001, 1000), (1000, 500), (999, 499)):
        assert kernel_distance(large, large[:count], subsets=1, subset_size=None).subset_size == size


def test_it_is_torch_fidelitys_and_takes_rows_alone() -> None:
    first, second = noise(60, 3, 0), noise(80, 3, 1)
    theirs = kid_features_to_metric(
        torch.from_numpy(first), torch.from_numpy(second), kid_subsets=5, kid_subset_size=20, rng_seed=7, verbose=False
    )
    found = kernel_distance(first, second, subsets=5, subset_size=20, seed=7)
    assert found.spread.mean == pytest.approx(theirs["kernel_inception_distance_mean"])
    assert found.spread.sd == pytest.approx(theirs["kernel_inception_distance_std"] * (5 / 4) ** 0.5)
    rows = np.arange(0, 80, 2)
    picked = kernel_distance(first, PickedRows(second, rows), subsets=5, subset_size=20)
    assert picked == kernel_distance(first, second[rows], subsets=5, subset_size=20)


def test_small_subsets_are_warned_of() -> None:
    assert small_subsets_warning(FEW) is None and "subsets of 99 pictures" in (small_subsets_warning(FEW - 1) or "")


def test_mapped_sets_give_the_same_and_are_never_held_whole(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    held = [noise(20_000, 256, seed) for seed in (0, 1)]
    first, second = (mapped(features, tmp_path / f"{place}.f32") for place, features in enumerate(held))
    kernel_distance(first[:20], second[:20], subsets=1, subset_size=5)  # what is imported is not counted below
    tracemalloc.start()
    found = kernel_distance(first, second, subsets=4, subset_size=200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == kernel_distance(*held, subsets=4, subset_size=200)
    assert peak < held[0].nbytes / 5
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_subsets_that_cannot_be_drawn() -> None:
    first, second = noise(50, 3, 0), noise(31, 3, 1)
    with pytest.raises(UsageError, match=r"subsets of 1000 .* hold 50 and 31 pictures; .* at most 31"):
        kernel_distance(first, second)
    with pytest.raises(UsageError, match="at least 4 pictures a side: the sets hold 50 and 3"):
        kernel_distance(first, second[:3], subset_size=None)
    with pytest.raises(UsageError, match="at least 2 pictures, not 1"):
        kernel_distance(first, second, subset_size=1)
    with pytest.raises(UsageError, match="at least 1 subset, not 0"):
        kernel_distance(first, second, subsets=0, subset_size=5)


def test_features_that_are_no_numbers_are_told_with_their_set() -> None:
    first, second = noise(50, 3, 0), noise(31, 3, 1)
    second[30, 0] = np.inf
    with pytest.raises(FacesynthError, match="picture 31 of the second set"):
        kernel_distance(first, second, subset_size=5)
    with pytest.raises(ValueError, match="N×3"):
        kernel_distance(first, noise(31, 4, 1), subset_size=5)
