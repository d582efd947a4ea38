"""How arms learn (Yeo et al., figure 6): a measure of validation over images and over seconds, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from facesynth.core.markup import text
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.mean_curves import curve_named, mean_curve, over_seconds
from facesynth.evaluation.page_parts import series_class, series_key, series_mark
from facesynth.evaluation.pictures.chart_axes import HEIGHT, WIDTH, Scale, count_told, grid, scale_across, scale_up
from facesynth.evaluation.pictures.curves import Curve
from facesynth.evaluation.pictures.results import number

_MEASURES = ("validation/fid", "validation/frechet")

_Trials = Mapping[int, Sequence[Curve]]
"""The curves of one measure by the number of their column, one a trial."""


def arm_charts(columns: Sequence[Column]) -> Iterator[str]:
    """Lines of HTML: a chart over images and, where the runs noted them, one over seconds, for each Fréchet distance.

    A thick line an arm, the mean of its trials as far as all of them reach, and a thin one a trial. Nothing where no
    run noted such a distance.
    """
    noted = (curve.measure for column in columns for trial in column.trials for curve in trial.curves)
    measures = [measure for measure in dict.fromkeys(noted) if measure.startswith(_MEASURES)]
    if not measures:
        return
    yield series_key([column.name for column in columns])
    yield '<div class="charts wide">'
    for measure in measures:
        images = {place: list(_over_images(column, measure)) for place, column in enumerate(columns)}
        seconds = {place: list(_over_seconds(column, measure)) for place, column in enumerate(columns)}
        for unit, found in (("images", images), ("seconds of training", seconds)):
            if any(found.values()):
                yield _chart(f"{measure} over {unit}", columns, found)
    yield "</div>"


def _over_images(column: Column, measure: str) -> Iterator[Curve]:
    return (curve for trial in column.trials if (curve := curve_named(trial.curves, measure)) is not None)


def _over_seconds(column: Column, measure: str) -> Iterator[Curve]:
    return (curve for trial in column.trials if (curve := over_seconds(trial.curves, measure)) is not None)


def _chart(caption: str, columns: Sequence[Column], found: _Trials) -> str:
    every = [curve for trials in found.values() for curve in trials]
    across = scale_across([at for curve in every for at in curve.images])
    up = scale_up([value for curve in every for value in curve.values])
    ends, drawn = [], list(grid(across, up))
    for place, trials in found.items():
        if not trials:
            continue
        mean = mean_curve(trials) if len(trials) > 1 else trials[0]
        thin = [] if len(trials) == 1 else [_line(curve, across, up, "trial") for curve in trials]
        thick = [] if mean is None else [_line(mean, across, up, "mean"), _end(columns[place].name, mean, across, up)]
        drawn.append(f'<g class="{series_class(place)}">{"".join([*thin, *thick])}</g>')
        if mean is not None:
            ends.append((place, number(mean.values[-1])))
    last = "".join(f"<span>{series_mark(place)}{value}</span>" for place, value in ends)
    said = "; ".join(f"{columns[place].name}: {value}" for place, value in ends)
    scaled = ' <span class="soft">(logarithmic)</span>' if up.logarithmic else ""
    return (
        f'<figure class="chart arms"><figcaption>{text(caption)}{scaled}<span class="last">{last}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(f"{caption}, at the end {said}")}">'
        f"{''.join(drawn)}</svg></figure>"
    )


def _line(curve: Curve, across: Scale, up: Scale, kind: str) -> str:
    points = " ".join(
        f"{across.at(at):.1f},{up.at(value):.1f}" for at, value in zip(curve.images, curve.values, strict=True)
    )
    return f'<polyline class="{kind}" points="{points}"/>'


def _end(name: str, curve: Curve, across: Scale, up: Scale) -> str:
    told = f"{name}: {number(curve.values[-1])} after {count_told(curve.images[-1])}"
    x, y = across.at(curve.images[-1]), up.at(curve.values[-1])
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{text(told)}</title></circle>'
