"""An evaluation of label maps for the terminal: the number with its protocol, then class by class."""

from __future__ import annotations

import math
from collections.abc import Iterator

import rich_click as click

from facesynth.cli.one_line import one_line
from facesynth.core.labels import PALETTE
from facesynth.evaluation.segmentation.evaluation import RULE, ClassRow, Evaluation, per_cent

_BAR = 20
_WIDTH = 26


def table(evaluation: Evaluation) -> Iterator[str]:
    """The lines to be printed; what cannot be printed of names is escaped."""
    yield one_line(evaluation.headline())
    yield ""
    yield f"{'CLASS':<{_WIDTH}} {'IOU':>6} {'F1':>6} {'PRECISION':>9} {'RECALL':>6} {'OF PIXELS':>9}"
    yield from (_row(row) for row in evaluation.classes())
    yield "both classes as one"
    yield from (_row(row, group=True) for row in evaluation.groups())
    if any(row.remark for row in evaluation.classes()):
        yield RULE


def _row(row: ClassRow, *, group: bool = False) -> str:
    one = row.agreement
    name = row.name if row.name.replace("_", " ") == row.readable else f"{row.name} ({row.readable})"
    numbers = f"{_score(one.iou):>6} {_score(one.f1):>6} {_score(one.precision):>9} {_score(one.recall):>6}"
    share = per_cent(row.share)
    if row.remark:
        return f"{name:<{_WIDTH}} {numbers} {share:>9}  {row.remark}"
    filled = round(_BAR * (0.0 if math.isnan(one.iou) else one.iou))
    red, green, blue = PALETTE[row.labels[0]].tolist()
    full = "█" * filled if group else click.style("█" * filled, fg=(red, green, blue))
    return f"{name:<{_WIDTH}} {numbers} {share:>9}  {full}{click.style('░' * (_BAR - filled), dim=True)}"


def _score(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
