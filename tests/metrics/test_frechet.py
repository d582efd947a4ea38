"""The Fréchet distance against closed forms of two Gaussians."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.metrics.frechet import few_pictures_warning, frechet_distance
from facesynth.metrics.moments import Moments
from tests.metrics.feature_sets import gaussian, moments_of, noise


def test_two_gaussians_along_the_same_axes() -> None:
    first = moments_of(gaussian([0, 0, 0], np.diag([1.0, 4.0, 9.0])))
    second = moments_of(gaussian([1, 2, -2], np.diag([4.0, 4.0, 0.25]), seed=1))
    assert frechet_distance(first, second) == pytest.approx(9 + (1 - 2) ** 2 + 0 + (3 - 0.5) ** 2)


def test_two_gaussians_turned_against_each_other() -> None:
    one, other = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.6], [-0.6, 3.0]])
    product = one @ other
    trace_of_root = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))  # of any 2×2 matrix
    expected = 0.25 + np.trace(one) + np.trace(other) - 2 * trace_of_root
    first, second = moments_of(gaussian([0, 0], one)), moments_of(gaussian([0.5, 0], other, count=80))
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)


@pytest.mark.parametrize("dim", [1, 2, 64])
def test_a_set_and_its_shifted_copy_lie_the_squared_shift_apart(dim: int) -> None:
    features, shift = noise(300, dim, 0).astype(np.float64), np.linspace(1, 2, dim)
    distance = frechet_distance(moments_of(features), moments_of(features + shift))
    assert distance == pytest.approx(float(shift @ shift), rel=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(300, 64), (10, 64), (2, 3)])
def test_equal_sets_lie_nothing_apart_and_never_less(count: int, dim: int) -> None:
    features = moments_of(noise(count, dim, 4))
    assert 0 <= frechet_distance(features, features) < 1e-5


def test_a_set_that_is_scaled() -> None:
    features = gaussian([0, 0], [[1, 0.5], [0.5, 1]])
    assert frechet_distance(moments_of(features), moments_of(features * 3)) == pytest.approx((3 - 1) ** 2 * 2)


def test_few_pictures_are_warned_of_not_refused() -> None:
    few, many = moments_of(noise(16, 16, 0)), moments_of(noise(17, 16, 1))
    assert few_pictures_warning(many, many) is None
    for pair in ((few, many), (many, few)):
        warning = few_pictures_warning(*pair)
        assert warning is not None and "16 pictures give no covariance of full rank in 16 dimensions" in warning
        assert math.isfinite(frechet_distance(*pair))


def test_few_pictures_do_bias_the_distance_upwards() -> None:
    distances = [frechet_distance(*(moments_of(noise(n, 8, seed)) for seed in (1, 2))) for n in (8, 80, 8000)]
    assert distances[0] > 2 * distances[1] > 4 * distances[2] > 0


def test_what_makes_no_distance() -> None:
    one, none, many = moments_of(noise(1, 4, 0)), Moments(4), moments_of(noise(9, 4, 0))
    with pytest.raises(UsageError, match="at least 2 pictures a side, here are 9 and 1; give more pictures"):
        frechet_distance(many, one)
    with pytest.raises(UsageError, match="here are 0 and 9"):
        frechet_distance(none, many)
    with pytest.raises(ValueError, match="4 and of 5 dimensions"):
        frechet_distance(many, moments_of(noise(9, 5, 0)))


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    frechet_distance(moments_of(noise(9, 4, 0)), moments_of(noise(9, 4, 1)))
    assert capfd.readouterr() == ("", "")
