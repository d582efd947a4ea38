"""Bars of how well the judge finds each class again, with a mark where it does in the real photos."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from facesynth.core.labels import LABEL_NAMES, READABLE, Label
from facesynth.core.markup import swatch, text
from facesynth.evaluation.page_parts import series_class, series_key, series_mark
from facesynth.evaluation.pictures.fidelity import class_iou
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.subjects import Setting


@dataclass(frozen=True, slots=True)
class ClassBar:
    """One bar: an IoU from 0 to 1 and the IoU in the real photos, NaN where no label map holds the class."""

    iou: float
    ceiling: float


def class_bars(series: Sequence[str], bars: Sequence[Sequence[ClassBar | None]]) -> Iterator[str]:
    """Lines of HTML: a table with a row a class, in which each of the `series` has a bar; `bars[label][series]`.

    A class that no label map holds has no bar but a dash, and so has what was not scored: None.
    """
    yield series_key(series)
    yield '<table class="classes fidelity"><tr><th>class</th><th></th><th class="num">IoU</th>'
    yield '<th class="num">photos</th></tr>'
    for label, row in zip(Label, bars, strict=True):
        name = READABLE[label]
        named = "" if LABEL_NAMES[label].replace("_", " ") == name else LABEL_NAMES[label]
        shown = f'<span class="id">{text(named)}</span>' if named else ""
        drawn = "".join(_bar(number, one) for number, one in enumerate(row))
        numbers = "".join(f"<div>{series_mark(i)}{_score(_iou(one))}</div>" for i, one in enumerate(row))
        ceilings = list(dict.fromkeys(_score(one.ceiling) for one in row if one is not None)) or ["–"]
        yield (
            f'<tr><td>{swatch(label)}{name}{shown}</td><td class="wide">{drawn}</td><td class="num">{numbers}</td>'
            f'<td class="num soft">{"".join(f"<div>{told}</div>" for told in ceilings)}</td></tr>'
        )
    yield "</table>"


def bars_of(evaluations: Sequence[PictureEvaluation], settings: Sequence[Setting]) -> list[list[ClassBar | None]]:
    """The bars of each of the 19 classes: those of each evaluation in each setting, None where it was not scored."""
    by_label = [{row.label: row for row in evaluation.classes} for evaluation in evaluations]
    bars: list[list[ClassBar | None]] = []
    for label in Label:
        bars.append([])
        for rows in by_label:
            row = rows.get(label)
            for setting in settings:
                found = None if row is None else row.pictures.get(setting)
                bars[-1].append(
                    None if row is None or found is None else ClassBar(class_iou(found), class_iou(row.ceiling))
                )
    return bars


def _bar(series: int, one: ClassBar | None) -> str:
    if one is None or math.isnan(one.iou):
        return '<span class="bar none"></span>'
    mark = "" if math.isnan(one.ceiling) else f'<b style="left:{100 * min(1.0, one.ceiling):.2f}%"></b>'
    filled = f'<i style="width:{100 * min(1.0, one.iou):.2f}%"></i>' if one.iou > 0 else ""
    return f'<span class="bar {series_class(series)}">{filled}{mark}</span>'


def _iou(one: ClassBar | None) -> float:
    return math.nan if one is None else one.iou


def _score(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
