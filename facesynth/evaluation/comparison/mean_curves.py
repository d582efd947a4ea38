"""Curves of several trials: their mean, where all of them have noted something, and how they run over the seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facesynth.evaluation.pictures.curves import SECONDS, Curve

_POINTS = 60
"""Points of a mean over trials that noted nothing at the same moments."""


def curve_named(curves: Sequence[Curve], measure: str) -> Curve | None:
    """The curve of a measure."""
    return next((curve for curve in curves if curve.measure == measure), None)


def over_seconds(curves: Sequence[Curve], measure: str) -> Curve | None:
    """A measure over the seconds that its run had trained, in place of the images; None where they were not noted."""
    curve, clock = curve_named(curves, measure), curve_named(curves, SECONDS)
    if curve is None or clock is None:
        return None
    inside = [(at, value) for at, value in zip(curve.images, curve.values, strict=True) if at <= clock.images[-1]]
    seconds = np.interp([at for at, _ in inside], (0.0, *clock.images), (0.0, *clock.values))
    if not inside:
        return None
    return Curve(measure, tuple(map(float, seconds)), tuple(value for _, value in inside))


def mean_curve(trials: Sequence[Curve]) -> Curve | None:
    """The mean of curves of one measure, at the moments that all of them have; without such ones, between as far as all
    reach, and straight between their points. None where they have nothing in common.
    """
    shared = sorted(set(trials[0].images).intersection(*(curve.images for curve in trials[1:])))
    if len(shared) < min(len(curve.images) for curve in trials):
        first, last = max(curve.images[0] for curve in trials), min(curve.images[-1] for curve in trials)
        if last <= first and not shared:
            return None
        shared = shared if last <= first else [float(at) for at in np.linspace(first, last, _POINTS)]
    values = np.mean([np.interp(shared, curve.images, curve.values) for curve in trials], axis=0)
    return Curve(trials[0].measure, tuple(shared), tuple(map(float, values)))


def mean_curves(trials: Sequence[Sequence[Curve]]) -> Iterator[Curve]:
    """The mean of each measure that all trials have noted, in the first one's order."""
    for curve in trials[0] if trials else ():
        found = [curve_named(curves, curve.measure) for curves in trials]
        there = [one for one in found if one is not None]
        if len(there) == len(trials) and (mean := mean_curve(there)) is not None:
            yield mean
