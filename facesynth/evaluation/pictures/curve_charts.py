"""Training curves as inline SVG: a small chart a measure, the runs that have it over each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from facesynth.core.markup import text
from facesynth.evaluation.page_parts import series_class, series_key, series_mark
from facesynth.evaluation.pictures.curves import Curve
from facesynth.evaluation.pictures.results import number

_WIDTH, _HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 26
_SPAN_OF_LOGARITHMS = 100.0
"""A measure whose largest value is so many times its smallest is drawn by its logarithm."""
_SHOWN_AT_ONCE = 9


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where numbers between `low` and `high` lie between two pixels; by their logarithms where that is said."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high, here = (math.log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (here - low) / (high - low) * (self.end - self.start)


def curve_charts(runs: Mapping[str, Sequence[Curve]]) -> Iterator[str]:
    """Lines of HTML: a legend where there are several runs, then a chart for each measure of any of them.

    `runs` has the curves by the run's name; the same order and colours as in the rest of a page. Scores on held-out
    faces come first, and what does not fit at once can be unfolded.
    """
    measures = sorted({curve.measure: None for curves in runs.values() for curve in curves}, key=_rank)
    if not measures:
        return
    names = list(runs)
    if len(names) > 1:
        yield series_key(names)
    first = [measure for measure in measures if "/iou/" not in measure][:_SHOWN_AT_ONCE]
    rest = [measure for measure in measures if measure not in first]
    yield '<div class="charts">'
    yield from (_chart(measure, runs) for measure in first)
    yield "</div>"
    if rest:
        more = f"{len(rest)} more measure" + ("s" if len(rest) > 1 else "")
        yield f'<details><summary>{more}</summary><div class="charts">'
        yield from (_chart(measure, runs) for measure in rest)
        yield "</div></details>"


def _rank(measure: str) -> tuple[bool, str]:
    return not measure.startswith("validation/"), measure


def _chart(measure: str, runs: Mapping[str, Sequence[Curve]]) -> str:
    lines = [
        (series, name, curve)
        for series, (name, curves) in enumerate(runs.items())
        for curve in curves
        if curve.measure == measure
    ]
    values = [value for _, _, curve in lines for value in curve.values]
    images = [count for _, _, curve in lines for count in curve.images]
    logarithmic = min(values) > 0 and max(values) / min(values) >= _SPAN_OF_LOGARITHMS
    low, high = _widened(min(values), max(values), logarithmic)
    across = _Scale(min(0.0, *images), max(1.0, *images), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(low, high, _HEIGHT - _BOTTOM, _TOP, logarithmic)
    told = "; ".join(f"{name}: {number(curve.values[-1])}" for _, name, curve in lines)
    caption = f"{text(measure)}" + (' <span class="soft">(logarithmic)</span>' if logarithmic else "")
    last = "".join(
        f"<span>{series_mark(series) if len(runs) > 1 else ''}{number(curve.values[-1])}</span>"
        for series, _, curve in lines
    )
    drawn = [*_grid(across, up), *(_line(series, name, curve, across, up) for series, name, curve in lines)]
    return (
        f'<figure class="chart"><figcaption>{caption}<span class="last">{last}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(f"{measure}, at the end {told}")}">'
        f"{''.join(drawn)}</svg></figure>"
    )


def _line(series: int, name: str, curve: Curve, across: _Scale, up: _Scale) -> str:
    points = [(across.at(images), up.at(value)) for images, value in zip(curve.images, curve.values, strict=True)]
    end = f"{name}: {number(curve.values[-1])} after {_count(curve.images[-1])} images"
    x, y = points[-1]
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{text(end)}</title></circle>'
    path = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>' if len(points) > 1 else ""
    return f'<g class="{series_class(series)}">{path}{dot}</g>'


def _grid(across: _Scale, up: _Scale) -> Iterator[str]:
    ticks = _powers(up.low, up.high) if up.logarithmic else _ticks(up.low, up.high)
    for value, label in zip(ticks, _labels(ticks, up.logarithmic), strict=True):
        y = up.at(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for value in _ticks(across.low, across.high, 4):
        # The last one would reach over the edge.
        anchor = "end" if across.at(value) > _WIDTH - _RIGHT - 14 else "middle"
        yield f'<text x="{across.at(value):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{_count(value)}</text>'


def _widened(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """A little more room than the values take, so that the line touches neither edge; never none."""
    if logarithmic:
        return low / 1.15, high * 1.15
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return (0.0 if 0 <= low <= margin else low - margin), high + margin


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from low to high, about as many as are wanted."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def _labels(ticks: Sequence[float], logarithmic: bool) -> list[str]:
    """Ticks in words, all of them with as many decimals as their step asks for."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    if logarithmic or not 1e-5 <= step < 1e5:
        return [f"{value:.4g}" for value in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in ticks]


def _count(images: float) -> str:
    """A count of images in few letters: `800`, `25k`, `1.5M`."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if images >= size:
            return f"{images / size:.4g}{letter}"
    return f"{images:.4g}"
