"""Means and sample standard deviations."""

from __future__ import annotations

import statistics

import pytest

from facesynth.metrics.spread import MeanSd


def test_the_sd_is_of_a_sample() -> None:
    values = [3.0, 4.0, 8.0]
    spread = MeanSd.of(values)
    assert (spread.mean, spread.count) == (5, 3)
    assert spread.sd == pytest.approx(statistics.stdev(values))


def test_one_value_has_no_sd() -> None:
    assert MeanSd.of([7.0]) == MeanSd(7.0, None, 1) == MeanSd.of_population(7.0, 0.0, 1)


def test_an_sd_divided_by_the_count_is_made_one_of_a_sample() -> None:
    values = [3.0, 4.0, 8.0, 1.0]
    found = MeanSd.of_population(4.0, statistics.pstdev(values), 4)
    assert found.sd == pytest.approx(statistics.stdev(values))


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_there_is_no_mean_of_nothing_or_of_what_is_no_number(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no mean|not finite"):
        MeanSd.of(values)
