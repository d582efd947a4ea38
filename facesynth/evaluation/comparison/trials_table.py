"""Each training of each arm with its own numbers, as a table of HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facesynth.core.markup import text
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.page_parts import series_mark
from facesynth.evaluation.pictures.results import Score, number


def trials_table(columns: Sequence[Column]) -> Iterator[str]:
    """Lines of HTML: a row a training, a column a measure; a dash where it was not scored by it."""
    scores: dict[str, Score] = {}
    for column in columns:
        for score in column.evaluation.scores if column.trials else ():
            scores.setdefault(score.key, score)
    heads = "".join(f'<th class="num">{text(score.label)}</th>' for score in scores.values())
    yield f'<div class="scroll"><table class="scores"><tr><th>training</th><th class="num">seed</th>{heads}</tr>'
    for place, column in enumerate(columns):
        for trial in column.trials:
            found = [trial.evaluation.score(key, score.setting) for key, score in scores.items()]
            cells = "".join(f'<td class="num">{"–" if one is None else number(one.value)}</td>' for one in found)
            about = f"{trial.training.budget.told()}, {trial.source}"
            named = f'{series_mark(place)}{text(trial.name)}<br><small class="soft">{text(about)}</small>'
            yield f'<tr><td>{named}</td><td class="num">{trial.training.seed}</td>{cells}</tr>'
    yield "</table></div>"
