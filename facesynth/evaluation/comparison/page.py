"""A comparison as one HTML page: no script, no network, light and dark, for screens of any width."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth.core.markup import text
from facesynth.evaluation.comparison.arm_sections import (
    learning_section,
    of_seeds,
    pictures_of_seeds,
    trials_section,
    verdict_section,
)
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import BEST_TOLD, Comparison
from facesynth.evaluation.page_parts import evaluation_html, facts, series_key, series_mark, views
from facesynth.evaluation.pictures.bars import bars_of, class_bars
from facesynth.evaluation.pictures.cases import CasePictures
from facesynth.evaluation.pictures.curve_charts import curve_charts
from facesynth.evaluation.pictures.page import protocol_rows
from facesynth.evaluation.pictures.score_table import score_table
from facesynth.evaluation.pictures.sheets import GENERATED, OWN, Titled, given, looked, painted, sources
from facesynth.evaluation.pictures.subjects import Setting

_FACES = 8


def comparison_page(comparison: Comparison) -> str:
    """The page as HTML. It reads the faces that it shows once more; one that is gone leaves a gap."""
    sections = (
        _head(comparison),
        verdict_section(comparison),
        learning_section(comparison),
        *(_scores(comparison, setting) for setting in comparison.settings),
        trials_section(comparison),
        *(_classes(comparison, setting) for setting in comparison.settings),
        pictures_of_seeds(comparison) if of_seeds(comparison) else _faces(comparison),
        _curves(comparison),
        *(_protocol(place, column) for place, column in enumerate(comparison.columns)),
        _foot(comparison),
    )
    title = " / ".join(comparison.names)
    return evaluation_html(
        f"{title}: compared", sections, packages=("facesynth.evaluation.pictures", "facesynth.evaluation.comparison")
    )


def _head(comparison: Comparison) -> Iterator[str]:
    yield f"<header><h1>{' / '.join(f'<bdi>{text(name)}</bdi>' for name in comparison.names)}</h1></header>"
    yield f'<p class="headline">{text(comparison.headline())}</p>'
    yield series_key(comparison.names)
    for warning in comparison.warnings():
        yield f'<div class="notice bad">{text(warning)}</div>'


def _scores(comparison: Comparison, setting: Setting) -> Iterator[str]:
    rows = comparison.rows(setting)
    yield f'<section><h2>Scores, {text(setting)}</h2><p class="soft">'
    if any(row.best for row in rows):
        yield f"Underlined: {BEST_TOLD} "
    yield "± is a sample standard deviation.</p>"
    yield from score_table(comparison.names, rows, series=True)
    yield "</section>"


def _classes(comparison: Comparison, setting: Setting) -> Iterator[str]:
    evaluations = [column.evaluation for column in comparison.columns]
    if not any(setting in row.pictures for evaluation in evaluations for row in evaluation.classes):
        return
    yield f'<section><h2>Classes, {text(setting)}</h2><p class="soft">How well the judge finds each class where it was '
    yield "to be painted. The line across a bar is what it does in the real photos.</p>"
    yield from class_bars(comparison.names, bars_of(evaluations, [setting]))
    yield "</section>"


def _faces(comparison: Comparison) -> Iterator[str]:
    """The faces of the first contact sheet of which any column has pictures."""
    looks = {
        name: [_looked(column, name) if _alike(comparison, column) else None for column in comparison.columns]
        for name in comparison.columns[0].evaluation.sheet[:_FACES]
    }
    shown = {name: found for name, found in looks.items() if any(one is not None and painted(one) for one in found)}
    yield '<section><h2>Faces</h2><p class="soft">'
    if not shown:
        yield "No pictures are here: those of a saved evaluation lie in evaluation-faces/ beside its evaluation.json. "
        yield "Evaluate again, or compare the weights themselves, to see them.</p></section>"
        return
    generators = all(column.evaluation.subject.has_styles for column in comparison.columns)
    yield "The same label maps, painted by each." if generators else "Pictures of the same names, side by side."
    yield '</p><div class="rows">'
    for name, found in shown.items():
        yield from _face(comparison, name, found)
    yield "</div></section>"


def _face(comparison: Comparison, name: str, found: list[CasePictures | None]) -> Iterator[str]:
    there = [pictures for pictures in found if pictures is not None]
    yield f'<figure><div class="versus"><div class="given">{views(_given(there), name)}</div><div>'
    for place, (column, pictures) in enumerate(zip(comparison.columns, found, strict=True)):
        own = OWN if column.evaluation.subject.has_styles else GENERATED
        shown = [] if pictures is None else sources(painted(pictures, own=own))
        yield f"<h3>{series_mark(place)}{text(column.name)}</h3>"
        if shown:
            yield views(shown, f"{name} by {column.name}")
        elif _alike(comparison, column):
            yield '<p class="soft">Its pictures are not here, nor in evaluation-faces/ beside its evaluation.json.</p>'
        else:
            yield '<p class="soft">It was scored on other photos.</p>'
    yield f'</div></div><figcaption><span class="name">{text(name)}</span></figcaption></figure>'


def _alike(comparison: Comparison, column: Column) -> bool:
    """Whether a name means the same face in this column as in the first one."""
    return column.evaluation.real.digest == comparison.columns[0].evaluation.real.digest


def _looked(column: Column, name: str) -> CasePictures | None:
    case = column.evaluation.case(name)
    return None if case is None else looked(case)


def _given(found: list[CasePictures]) -> list[Titled]:
    """Label map and photo, of the first column that has them."""
    shown = {title: one for pictures in reversed(found) for title, one in given(pictures)}
    return sources(list(shown.items()))


def _curves(comparison: Comparison) -> Iterator[str]:
    runs = {column.name: column.curves for column in comparison.columns}
    if not any(runs.values()):
        return
    yield '<section><h2>Training</h2><p class="soft">What each run noted of itself, over the images that it was shown. '
    if without := [name for name, curves in runs.items() if not curves]:
        yield f"Of {text(', '.join(without))} no run is known."
    yield "</p>"
    yield from curve_charts(runs)
    yield "</section>"


def _protocol(place: int, column: Column) -> Iterator[str]:
    yield f"<section><h2>{series_mark(place)}{text(column.name)}</h2>"
    yield f'<p class="headline">{text(column.evaluation.headline())}</p>'
    yield facts([("given as", column.source), *protocol_rows(column.evaluation)])
    if column.evaluation.left_out:
        yield f'<p class="soft">{len(column.evaluation.left_out):,} could not be used and do not count: they are in '
        yield "its evaluation.json.</p>"
    yield "</section>"


def _foot(comparison: Comparison) -> Iterator[str]:
    yield "<footer><p>All numbers are in comparison.json beside this page. "
    if of_seeds(comparison):
        yield "The painted pictures are synthetic.</p></footer>"
        return
    yield "The photos in it, and below evaluations/, "
    yield "are the dataset’s: pass them on only as you may. The painted faces are synthetic.</p></footer>"
