"""Streamed moments against numpy's over the whole set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.metrics.moments import Moments
from tests.metrics.feature_sets import moments_of, noise


@settings(max_examples=25)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) > 1), st.integers(0, 99))
def test_blocks_of_any_size_give_what_numpy_gives_for_all(sizes: list[int], seed: int) -> None:
    features = noise(sum(sizes), 5, seed) * 3 + 7
    moments = Moments(5)
    for block in np.split(features, np.cumsum(sizes)[:-1]):
        moments.add(block)
    assert moments.count == len(features)
    assert moments.mean == pytest.approx(features.mean(axis=0, dtype=np.float64), rel=1e-12)
    assert moments.covariance == pytest.approx(np.cov(features.astype(np.float64), rowvar=False), rel=1e-9, abs=1e-12)


def test_looking_in_between_changes_nothing() -> None:
    features = noise(600, 3, 1)
    moments = Moments(3)
    for row in features:
        moments.add(row[None])
        if moments.count > 1:
            assert moments.covariance.shape == (3, 3)
    assert moments.covariance == pytest.approx(moments_of(features).covariance, rel=1e-12, abs=1e-15)


def test_what_is_returned_is_not_the_sums_themselves() -> None:
    moments = moments_of(noise(9, 2, 0))
    before = moments.mean
    moments.mean[:] = 99
    moments.covariance[:] = 99
    assert np.array_equal(moments.mean, before) and moments.covariance.max() < 99


def test_parts_merge_in_any_order_and_stay_as_they_are() -> None:
    features = noise(900, 4, 2)
    parts = [moments_of(part) for part in np.split(features, [1, 300])]
    whole = moments_of(features)
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        first, second, third = (parts[place] for place in order)
        for merged in (first.merged(second).merged(third), first.merged(second.merged(third))):
            assert merged.count == 900
            assert merged.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-15)
            assert merged.covariance == pytest.approx(whole.covariance, rel=1e-12, abs=1e-15)
    assert [part.count for part in parts] == [1, 299, 600]
    assert Moments(4).merged(whole).covariance == pytest.approx(whole.covariance)


def test_features_far_from_zero_lose_no_digits() -> None:
    features = noise(2000, 2, 3).astype(np.float64)
    near, far = moments_of(features), moments_of(features + 1e7)
    assert far.covariance == pytest.approx(near.covariance, rel=1e-7)


def test_too_few_for_a_mean_or_a_covariance() -> None:
    moments = Moments(3)
    with pytest.raises(UsageError, match="no mean of no pictures"):
        _ = moments.mean
    with pytest.raises(UsageError, match="at least 2 pictures, here is none"):
        _ = moments.covariance
    moments.add(noise(1, 3, 0))
    with pytest.raises(UsageError, match="at least 2 pictures, here is 1"):
        _ = moments.covariance


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers_are_told_with_their_picture_and_not_added(bad: float) -> None:
    moments = moments_of(noise(10, 3, 0))
    features = noise(2000, 3, 1)
    features[1500, 2] = bad
    with pytest.raises(FacesynthError, match="picture 1511 of the set are not all finite"):
        moments.add(features)
    assert moments.count == 10


def test_other_shapes_and_types_are_refused() -> None:
    moments = Moments(3)
    with pytest.raises(ValueError, match="N×3"):
        moments.add(noise(4, 2, 0))
    with pytest.raises(ValueError, match="N×3"):
        moments.add(noise(4, 3, 0)[0])
    with pytest.raises(ValueError, match="float16"):
        moments.add(noise(4, 3, 0).astype(np.float16))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not one set"):
        moments.merged(Moments(4))
    with pytest.raises(ValueError, match="one dimension"):
        Moments(0)


def test_moments_are_restored_as_they_were() -> None:
    moments = moments_of(noise(300, 4, 0))
    again = Moments.restored(moments.count, moments.mean, moments.scatter)
    assert again.count == 300 and np.array_equal(again.covariance, moments.covariance)
    assert np.array_equal(again.merged(moments).mean, moments.merged(moments).mean)
    with pytest.raises(ValueError, match="no moments"):
        Moments.restored(3, np.zeros(2), np.zeros((2, 3)))
