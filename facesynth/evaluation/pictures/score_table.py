"""Scores as a table of HTML: a row a measure, a column a setting or a generator, and under each its protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType

from facesynth.core.markup import text
from facesynth.evaluation.page_parts import series_mark
from facesynth.evaluation.pictures.results import GROUPS, Score, number

_ARROWS = MappingProxyType({"lower": ("↓", "lower is better"), "higher": ("↑", "higher is better")})


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One measure: its score in each column, None where it was not taken.

    `best` are the columns that are to stand out, `remark` what has to be said of the row as a whole.
    """

    scores: tuple[Score | None, ...]
    best: Collection[int] = field(default=frozenset())
    remark: str | None = None

    @property
    def one(self) -> Score:
        """Any of its scores."""
        return next(score for score in self.scores if score is not None)


def rows_of(columns: Sequence[Mapping[str, Score]]) -> list[ScoreRow]:
    """A row for each key of any column, by group and within it in the order in which keys turn up."""
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [ScoreRow(tuple(column.get(key) for column in columns)) for key in keys]
    order = list(GROUPS)
    return sorted(rows, key=lambda row: order.index(row.one.group))


def score_table(headings: Sequence[str], rows: Sequence[ScoreRow], *, series: bool = False) -> Iterator[str]:
    """Lines of HTML. With `series` each heading has the colour that stands for its column all over the page."""
    yield '<div class="scroll"><table class="scores"><tr><th>measure</th>'
    for number_, heading in enumerate(headings):
        yield f'<th class="num">{series_mark(number_) if series else ""}{text(heading)}</th>'
    yield "</tr>"
    group = None
    for row in rows:
        if row.one.group != group:
            group = row.one.group
            yield f'<tr class="group"><th colspan="{len(headings) + 1}">{text(GROUPS[group])}</th></tr>'
        arrow, meaning = _ARROWS[row.one.better]
        named = f'<b>{text(row.one.label)}</b> <span class="arrow" title="{meaning}">{arrow}</span>'
        cells = "".join(_cell(score, best=i in row.best) for i, score in enumerate(row.scores))
        yield f"<tr><td>{named}</td>{cells}</tr>"
        yield f'<tr class="told"><td colspan="{len(headings) + 1}">{"".join(_told(row, headings))}</td></tr>'
    yield "</table></div>"


def _cell(score: Score | None, *, best: bool) -> str:
    if score is None:
        return '<td class="num soft">–</td>'
    value = f"<b>{number(score.value)}</b>"
    if score.warning:
        value += ' <span class="doubt" title="to be doubted: see below">!</span>'
    if score.sd is not None:
        value += f" <span>± {number(score.sd, like=score.value)}</span>"
    return f'<td class="num{" best" if best else ""}">{value}{"".join(_beside(score))}</td>'


def _beside(score: Score) -> Iterator[str]:
    """What a score's spread is over, and the numbers that it is read against."""
    if score.sd is not None:
        yield f"<small>over {text(score.sd_over)}</small>"
    if score.halves is not None:
        here = number(score.halves.generated, like=score.value)
        real = number(score.halves.real, like=score.value)
        yield f"<small>at {score.halves.count:,} a side {here}, real against real {real}</small>"
    for what, value in (("real photos", score.ceiling), ("two different photos", score.unrelated)):
        if value is not None:
            yield f"<small>{what} {number(value, like=score.value)}</small>"


def _told(row: ScoreRow, headings: Sequence[str]) -> Iterator[str]:
    """Protocol, notes and warnings: what is the same for all columns once, the rest column by column."""
    if row.remark is not None:
        yield f'<div class="remark">{text(row.remark)}</div>'
    lines = {
        heading: (f"{score.count:,} {score.counted}", score.protocol, *score.notes)
        for heading, score in zip(headings, row.scores, strict=True)
        if score is not None
    }
    shared = [line for line in dict.fromkeys(chain(*lines.values())) if all(line in one for one in lines.values())]
    own: dict[tuple[str, ...], list[str]] = {}
    for heading, found in lines.items():
        own.setdefault(tuple(line for line in found if line not in shared), []).append(heading)
    yield f"<div>{text('. '.join(shared))}</div>"
    for rest, whose in own.items():
        if rest:
            yield f"<div>{text(', '.join(whose))}: {text('. '.join(rest))}</div>"
    warned: dict[str, list[str]] = {}
    for heading, score in zip(headings, row.scores, strict=True):
        if score is not None and score.warning:
            warned.setdefault(score.warning, []).append(heading)
    for warning, whose in warned.items():
        where = "" if len(whose) == len(headings) else f"{text(', '.join(whose))}: "
        yield f'<div class="remark">{where}{text(warning)}</div>'
