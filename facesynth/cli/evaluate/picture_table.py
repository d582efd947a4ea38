"""An evaluation of pictures for the terminal: the numbers with their protocol, then measure by measure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from facesynth.cli.one_line import one_line
from facesynth.evaluation.pictures.fidelity import class_iou
from facesynth.evaluation.pictures.results import GROUPS, PictureEvaluation, Score, number, spelled
from facesynth.evaluation.pictures.subjects import SETTINGS

_WIDTH = 44


def table(evaluation: PictureEvaluation) -> Iterator[str]:
    """The lines to be printed; what cannot be printed of names is escaped."""
    yield from map(one_line, _lines(evaluation))


def _lines(evaluation: PictureEvaluation) -> Iterator[str]:
    yield evaluation.headline()
    yield from evaluation.protocol
    for setting in (one for one in SETTINGS if any(score.setting == one for score in evaluation.scores)):
        yield ""
        yield f"{setting.upper():<{_WIDTH}} {'SCORE':>18} {'REAL':>9} {'OTHER':>9}"
        for group, words in GROUPS.items():
            rows = [score for score in evaluation.of_group(group) if score.setting == setting]
            if rows:
                yield words
                for score in rows:
                    yield from _rows(score)
    if evaluation.classes:
        yield ""
        yield from _classes(evaluation)
    yield ""
    yield "REAL: what real pictures score by the same measure. OTHER: what two different photos score."
    if any(score.halves for score in evaluation.scores):
        yield "At so many a side: to be compared with each other alone, for most of these scores depend on the count."
    warnings = dict.fromkeys(score.warning for score in evaluation.scores if score.warning)
    yield from (f"warning: {warning}" for warning in dict.fromkeys([*evaluation.warnings, *warnings]))


def _rows(score: Score) -> Iterator[str]:
    arrow = "↑" if score.better == "higher" else "↓"
    beside = " ".join(f"{_beside(value, score):>9}" for value in (score.ceiling, score.unrelated))
    yield f"  {f'{score.label} {arrow}':<{_WIDTH - 2}} {spelled(score):>18} {beside}".rstrip()
    if score.halves is not None:
        count, halves = f"{score.halves.count:,}", score.halves
        real = f"real against real {_beside(halves.real, score)}"
        yield f"    {f'at {count} a side ({real})':<{_WIDTH - 4}} {_beside(halves.generated, score):>18}"


def _beside(value: float | None, score: Score) -> str:
    return "" if value is None else number(value, like=score.value)


def _classes(evaluation: PictureEvaluation) -> Iterator[str]:
    settings = [setting for setting in SETTINGS if any(setting in row.pictures for row in evaluation.classes)]
    heads = "".join(f"{setting.upper():>12}" for setting in settings)
    yield f"{'IOU BY CLASS':<18}{heads}{'REAL':>12}"
    for row in evaluation.classes:
        values = [*(class_iou(row.pictures[setting]) for setting in settings), class_iou(row.ceiling)]
        if not all(map(math.isnan, values)):
            yield f"{row.name:<18}" + "".join(f"{_iou(value):>12}" for value in values)


def _iou(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
