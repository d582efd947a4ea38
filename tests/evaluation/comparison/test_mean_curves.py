"""Means of curves, and curves over seconds."""

from __future__ import annotations

import pytest

from facesynth.evaluation.comparison.mean_curves import mean_curve, mean_curves, over_seconds
from facesynth.evaluation.pictures.curves import SECONDS, Curve
from tests.evaluation.comparison.trained import VALIDATION, curves


def test_curves_with_the_same_moments_are_averaged_at_these() -> None:
    one, two = Curve("a", (1.0, 2.0, 3.0), (4.0, 6.0, 8.0)), Curve("a", (1.0, 2.0), (2.0, 2.0))
    assert mean_curve([one, two]) == Curve("a", (1.0, 2.0), (3.0, 4.0)), "as far as both reach"


def test_curves_with_other_moments_are_averaged_between_them() -> None:
    found = mean_curve([Curve("a", (0.0, 10.0), (0.0, 10.0)), Curve("a", (1.0, 9.0), (1.0, 9.0))])
    assert found is not None and found.images[0] == 1 and found.images[-1] == 9
    assert found.values == pytest.approx(found.images)
    assert mean_curve([Curve("a", (0.0, 1.0), (0.0, 1.0)), Curve("a", (2.0, 3.0), (0.0, 1.0))]) is None


def test_measures_that_all_have_noted_are_averaged() -> None:
    one, two = curves(0), curves(2)
    found = list(mean_curves([one, two[:2]]))
    assert [curve.measure for curve in found] == [VALIDATION, SECONDS]
    assert found[0].values == tuple(value + 1 for value in one[0].values)
    assert list(mean_curves([])) == []


def test_a_measure_over_seconds_is_read_off_the_runs_clock() -> None:
    found = over_seconds(curves(0, pace=2.0), VALIDATION)
    assert found is not None and found.images == (2.0, 4.0, 6.0, 8.0, 10.0) and found.values == curves(0)[0].values
    between = (Curve("a", (50.0, 150.0, 900.0), (1.0, 2.0, 3.0)), Curve(SECONDS, (100.0, 200.0), (10.0, 30.0)))
    found = over_seconds(between, "a")
    assert found is not None and found.images == (5.0, 20.0), "none after the clock's last tick"
    assert over_seconds(between[:1], "a") is None and over_seconds(between, "b") is None
