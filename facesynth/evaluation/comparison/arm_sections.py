"""Sections of a comparison's page that tell of arms: what they come to, how they learn, their trainings, pictures."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth.core.markup import text
from facesynth.evaluation.comparison.arm_charts import arm_charts
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.trials_table import trials_table
from facesynth.evaluation.page_parts import series_mark, views
from facesynth.evaluation.pictures.sheets import Titled, looked, source

_PICTURES = 10


def of_seeds(comparison: Comparison) -> bool:
    """Whether all that is compared painted pictures of seeds alone."""
    return all(column.evaluation.subject.of_seeds for column in comparison.columns)


def verdict_section(comparison: Comparison) -> Iterator[str]:
    """What the arms come to, in words; nothing where they may not be compared, or no training is known."""
    found = comparison.verdicts()
    if found:
        yield '<section><h2>What it comes to</h2><p class="soft">Each two arms by each measure: the difference of '
        yield "their means, the sample standard deviation of the differences seed by seed, and their number. No more "
        yield 'follows from so few.</p><ul class="verdicts">'
        yield from (f"<li>{text(verdict.told())}</li>" for verdict in found)
        yield "</ul></section>"


def learning_section(comparison: Comparison) -> Iterator[str]:
    """Validation over images and seconds; nothing where none was noted."""
    charts = list(arm_charts(comparison.columns))
    if charts:
        yield '<section><h2>How they learn</h2><p class="soft">What each run noted in its validations: a thin line a '
        yield "training, a thick one the mean as far as all of them reach. Over seconds of training, validations not "
        yield "counted, the means are taken between the moments that were noted.</p>"
        yield from charts
        yield "</section>"


def trials_section(comparison: Comparison) -> Iterator[str]:
    """Each training's own numbers, where any column is a mean of several."""
    if any(len(column.trials) > 1 for column in comparison.columns):
        yield '<section><h2>Each training</h2><p class="soft">What the means are means of.</p>'
        yield from trials_table(comparison.columns)
        yield "</section>"


def pictures_of_seeds(comparison: Comparison) -> Iterator[str]:
    """The first seeds as each column painted them, a row a column."""
    names = comparison.columns[0].evaluation.sheet[:_PICTURES]
    rows = [_row(column, names) for column in comparison.columns]
    if not any(source for row in rows for _, source in row):
        return
    yield '<section><h2>Pictures</h2><p class="soft">The same first seeds, painted by each; of several trainings by '
    yield 'the first. None were chosen.</p><div class="rows">'
    for place, (column, row) in enumerate(zip(comparison.columns, rows, strict=True)):
        named = f"{series_mark(place)}{text(column.name)}"
        yield f"<figure><h3>{named}</h3>{views(row, f'those by {column.name}')}</figure>"
    yield "</div></section>"


def _row(column: Column, names: tuple[str, ...]) -> list[Titled]:
    found: list[Titled] = []
    for name in names:
        case = column.evaluation.case(name)
        pictures = None if case is None else looked(case)
        own = None if pictures is None else pictures.own
        found.append((name, None if own is None else source(own)))
    return found
