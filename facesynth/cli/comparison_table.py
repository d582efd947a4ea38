"""A comparison for the terminal: the numbers with their protocol, then a row a measure."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth.cli.one_line import one_line
from facesynth.evaluation.comparison.comparison import BEST_TOLD, Comparison
from facesynth.evaluation.pictures.results import GROUPS, Score, spelled

_MEASURE = 46
_WIDEST = 34


def table(comparison: Comparison) -> Iterator[str]:
    """The lines to be printed; what cannot be printed of names is escaped."""
    yield from map(one_line, _lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield comparison.headline()
    for column in comparison.columns:
        if len(column.trials) > 1:
            trials = ", ".join(f"{trial.name} (seed {trial.training.seed})" for trial in column.trials)
            yield f"{column.name}: mean ± sd over {len(column.trials)} trainings, {trials}"
    names = [one_line(name) for name in comparison.names]
    widths = [max(18, min(_WIDEST, len(name))) for name in names]
    heads = [_short(name, width) for name, width in zip(names, widths, strict=True)]
    remarks: dict[str, int] = {}
    marked = False
    for setting in comparison.settings:
        yield ""
        yield f"{setting.upper():<{_MEASURE}} " + "  ".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))
        group = None
        for row in comparison.rows(setting):
            if row.one.group != group:
                group = row.one.group
                yield GROUPS[group]
            marked |= bool(row.best)
            arrow = "↑" if row.one.better == "higher" else "↓"
            cells = [
                f"{_spelled(score) + ('*' if i in row.best else ' '):>{width + 1}}"
                for i, (score, width) in enumerate(zip(row.scores, widths, strict=True))
            ]
            mark = f"  ({remarks.setdefault(row.remark, len(remarks) + 1)})" if row.remark else ""
            label = _short(f"{row.one.label} {arrow}", _MEASURE - 2)
            yield f"  {label:<{_MEASURE - 2}} {' '.join(cells)}{mark}".rstrip()
    if verdicts := comparison.verdicts():
        yield ""
        yield "WHAT IT COMES TO"
        yield from (f"  {verdict.told()}" for verdict in verdicts)
    yield ""
    if marked:
        yield f"* {BEST_TOLD}"
    yield from (f"({number}) {remark}" for remark, number in remarks.items())
    yield from (f"warning: {warning}" for warning in comparison.warnings())


def _spelled(score: Score | None) -> str:
    return "–" if score is None else spelled(score)


def _short(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width // 2 - 1]}…{name[-(width - width // 2) :]}"
