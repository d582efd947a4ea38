"""Training curves as inline SVG: a small chart a measure, the runs that have it over each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from facesynth.core.markup import text
from facesynth.evaluation.page_parts import series_class, series_key, series_mark
from facesynth.evaluation.pictures.chart_axes import HEIGHT, WIDTH, Scale, count_told, grid, scale_across, scale_up
from facesynth.evaluation.pictures.curves import SECONDS, Curve
from facesynth.evaluation.pictures.results import number

_SHOWN_AT_ONCE = 9
_PASSED_BY = (SECONDS,)
"""Measures that only tell how long others took."""


def curve_charts(runs: Mapping[str, Sequence[Curve]]) -> Iterator[str]:
    """Lines of HTML: a legend where there are several runs, then a chart for each measure of any of them.

    `runs` has the curves by the run's name; the same order and colours as in the rest of a page. Scores on held-out
    faces come first, and what does not fit at once can be unfolded.
    """
    noted = {curve.measure: None for curves in runs.values() for curve in curves if curve.measure not in _PASSED_BY}
    measures = sorted(noted, key=_rank)
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
    across, up = scale_across(images), scale_up(values)
    told = "; ".join(f"{name}: {number(curve.values[-1])}" for _, name, curve in lines)
    caption = f"{text(measure)}" + (' <span class="soft">(logarithmic)</span>' if up.logarithmic else "")
    last = "".join(
        f"<span>{series_mark(series) if len(runs) > 1 else ''}{number(curve.values[-1])}</span>"
        for series, _, curve in lines
    )
    drawn = [*grid(across, up), *(_line(series, name, curve, across, up) for series, name, curve in lines)]
    return (
        f'<figure class="chart"><figcaption>{caption}<span class="last">{last}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(f"{measure}, at the end {told}")}">'
        f"{''.join(drawn)}</svg></figure>"
    )


def _line(series: int, name: str, curve: Curve, across: Scale, up: Scale) -> str:
    points = [(across.at(images), up.at(value)) for images, value in zip(curve.images, curve.values, strict=True)]
    end = f"{name}: {number(curve.values[-1])} after {count_told(curve.images[-1])} images"
    x, y = points[-1]
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{text(end)}</title></circle>'
    path = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>' if len(points) > 1 else ""
    return f'<g class="{series_class(series)}">{path}{dot}</g>'
