"""Several evaluations of pictures side by side: which numbers may be compared, and which of them are best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from facesynth.core.refs import short
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.differences import difference
from facesynth.evaluation.comparison.training import budget_told, moment_told, trained_on, training_of
from facesynth.evaluation.comparison.verdict import Verdict, verdicts
from facesynth.evaluation.pictures.results import PictureEvaluation, Score, spelled
from facesynth.evaluation.pictures.score_table import ScoreRow, rows_of
from facesynth.evaluation.pictures.subjects import SETTINGS, Setting

BEST_TOLD = (
    "The best. By seed and by sets of seeds, also what lies within the larger of both sample sds over these of it, of "
    "several trainings what lies within the sd of the difference; without repetitions a small difference may be chance."
)
"""What it means that scores stand out."""

_UNLIKE = "not the same protocol: not to be compared"


@dataclass(frozen=True, slots=True)
class Comparison:
    """At least two evaluations."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [column.name for column in self.columns]

    @property
    def settings(self) -> list[Setting]:
        """The settings that any of them was scored in."""
        return [one for one in SETTINGS if any(s.setting == one for c in self.columns for s in c.evaluation.scores)]

    @property
    def exit_code(self) -> int:
        """0 when every picture of every column counts, 3 when some could not be used."""
        return max(column.evaluation.exit_code for column in self.columns)

    def rows(self, setting: Setting) -> list[ScoreRow]:
        """A row a measure that any column was scored by. Where nothing keeps the numbers apart the best stand out.

        By seed those do too that lie no farther from the best than the larger of both standard deviations over seeds,
        and none of a measure that is not taken seed by seed; of several trainings those within the sd of their
        difference.
        """
        scores = [{one.key: one for one in c.evaluation.scores if one.setting == setting} for c in self.columns]
        return [self._judged(row) for row in rows_of(scores)]

    def _judged(self, row: ScoreRow) -> ScoreRow:
        there = [score for score in row.scores if score is not None]
        if len({(score.protocol, score.count, score.better) for score in there}) > 1:
            return ScoreRow(row.scores, remark=_UNLIKE)
        repeated = all(score.by_seed for score in there) or there[0].setting != "by seed"
        if len(there) < 2 or not repeated or any(self.apart()):
            return row
        return ScoreRow(row.scores, best=_best(row.scores, self.columns))

    def apart(self) -> Iterator[str]:
        """Why no number here may be compared with its neighbour."""
        yield from self._differing("real pictures", lambda one: one.real.digest or one.real.told(), _real_told)
        yield from self._differing("sizes", lambda one: one.subject.size, lambda one: "{}×{}".format(*one.subject.size))
        known = [column for column in self.columns if column.trials]  # one that is not known hides no other's
        yield from self._differing("budgets of training", budget_told, budget_told, known)

    def verdicts(self) -> list[Verdict]:
        """How far arms are apart that may be compared; none where anything keeps them apart."""
        return [] if any(self.apart()) else list(verdicts(self.columns))

    def _untold(self) -> list[str]:
        """The columns whose training is not known, where that of others is."""
        unknown = [column.name for column in self.columns if training_of(column.evaluation) is None]
        return unknown if len(unknown) < len(self.columns) else []

    def warnings(self) -> Iterator[str]:
        """What has to be said before any number is."""
        for told in self.apart():
            yield f"{told}: these numbers are not to be compared"
        if untold := self._untold():
            yield f"How long was trained is not known of {', '.join(untold)}: the others' budgets may be larger"
        yield from self._differing("moments of training", moment_told, moment_told)
        yield from self._differing("training images", trained_on, trained_on)
        yield from self._differing("seeds", lambda one: one.subject.seeds, _seeds_told)
        for column in self.columns:
            yield from (f"{column.name}: {warning}" for warning in (*column.evaluation.warnings, *column.passed_by))

    def _differing(
        self,
        what: str,
        key: Callable[[PictureEvaluation], Any],
        told: Callable[[PictureEvaluation], str],
        among: Sequence[Column] | None = None,
    ) -> Iterator[str]:
        found: dict[Any, tuple[str, list[str]]] = {}
        for column in self.columns if among is None else among:
            found.setdefault(key(column.evaluation), (told(column.evaluation), []))[1].append(column.name)
        if len(found) > 1:
            yield f"Different {what}: " + "; ".join(f"{', '.join(names)} {said}" for said, names in found.values())

    def headline(self) -> str:
        """The first numbers of each setting, column by column, and what they are numbers of, in one line."""
        parts = []
        for setting in self.settings:
            groups: dict[str, ScoreRow] = {}
            for row in self.rows(setting):
                groups.setdefault(row.one.group, row)
            told = (f"{row.one.label} {self._spelled(row.scores)}" for row in groups.values())
            parts.append(f"{setting}: {', '.join(told)}")
        against = "; ".join(dict.fromkeys(column.evaluation.real.told() for column in self.columns))
        return f"{' · '.join(parts)} | {', '.join(self.names)}, against {against}"

    def _spelled(self, scores: Sequence[Score | None]) -> str:
        return " / ".join("–" if score is None else spelled(score) for score in scores)


def _real_told(evaluation: PictureEvaluation) -> str:
    digest = evaluation.real.digest
    return evaluation.real.told() + (f" (sha256 {short(digest)})" if digest else "")


def _seeds_told(evaluation: PictureEvaluation) -> str:
    return ", ".join(map(str, evaluation.subject.seeds)) or "none"


def _best(scores: Sequence[Score | None], columns: Sequence[Column]) -> frozenset[int]:
    """The columns that are best, and those that the seeds do not tell apart from it; none where that is all of them."""
    there = {place: score for place, score in enumerate(scores) if score is not None}
    sign = 1 if next(iter(there.values())).better == "lower" else -1
    best = min(there, key=lambda place: sign * there[place].value)
    trained = {place for place in there if len(columns[place].trials) > 1}

    def slack(place: int) -> float:
        one, other = there[place], there[best]
        if {place, best} <= trained:  # each number of `by_seed` is of another training; else they are sets of seeds
            return difference(one.by_seed, other.by_seed).sd or 0.0
        return max((score.sd or 0.0) if score.by_seed else 0.0 for score in (one, other))

    near = frozenset(place for place, score in there.items() if abs(score.value - there[best].value) <= slack(place))
    return near if len(near) < len(there) else frozenset()
