"""What a comparison of arms comes to, in words and numbers: the difference of two with its spread, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.differences import Difference, difference
from facesynth.evaluation.comparison.training import Budget
from facesynth.evaluation.pictures.results import Score, number
from facesynth.metrics.spread import MeanSd

_EACH_WITH_EACH = 4
"""With more arms each is set against the first one alone."""
_KEYS = ("fid", "frechet/", "inception_score")
"""Measures of which there is a verdict, by the beginning of their key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How far two arms are apart by one measure: `difference` is that of `arm` less that of `other`, `values` are what
    the trainings of each came to. `better` says at how many of the seeds in common the arm is the better one.
    """

    score: Score
    arm: str
    other: str
    values: tuple[MeanSd, MeanSd]
    difference: Difference
    better: int
    budget: Budget

    def told(self) -> str:
        """In one or two sentences."""
        (mine, theirs), mean = self.values, self.difference.mean
        beside = f"{self.score.label}: {self.arm} {_spread(mine)}, {self.other} {_spread(theirs)}"
        equal = f"at equal {self.budget.unit} ({self.budget.amount:,.10g})"
        if mean == 0:
            return f"{beside}: no difference {equal}."
        lower = mean < 0
        word = "better" if lower is (self.score.better == "lower") else "worse"
        size = number(abs(mean), like=mine.mean)
        return f"{beside}: {self.arm} is {word} ({'lower' if lower else 'higher'}) by {size} {equal}. {self._sure()}"

    def _sure(self) -> str:
        apart = self.difference
        if apart.sd is None:
            few = "One training each" if max(one.count for one in self.values) == 1 else "One training of one of them"
            return f"{few}: how much of this is chance is not known."
        mean, sd = (number(value, like=self.values[0].mean) for value in (apart.mean, apart.sd))
        if apart.paired:
            told = f"Seed by seed (n = {len(apart.seeds)}) the difference is {mean} ± {sd}"
            told += f", better at {self.better} of {len(apart.seeds)}"
        else:
            counts = " and ".join(str(one.count) for one in self.values)
            told = f"The seeds are not the same (n = {counts}): the difference is {mean} ± {sd}"
        return f"{told}; {'no larger' if abs(apart.mean) <= apart.sd else 'larger'} than its own spread."


def verdicts(columns: Sequence[Column]) -> Iterator[Verdict]:
    """A verdict a measure for each two arms, the later one against the earlier one; of columns whose trainings are not
    known, or were of other budgets, there is none. Whoever asks sees to it that they may be compared at all.
    """
    arms = [column for column in columns if column.trials]
    pairs = list(combinations(arms, 2)) if len(arms) <= _EACH_WITH_EACH else [(arms[0], one) for one in arms[1:]]
    for score in arms[0].evaluation.scores if arms else ():
        if score.setting == "pictures" and score.key.startswith(_KEYS):
            for other, arm in pairs:
                yield from _verdict(score, arm, other)


def _verdict(score: Score, arm: Column, other: Column) -> Iterator[Verdict]:
    budget = arm.trials[0].training.budget
    if budget != other.trials[0].training.budget:
        return
    scores = [column.evaluation.score(score.key, "pictures") for column in (arm, other)]
    if any(one is None or (one.protocol, one.count) != (score.protocol, score.count) for one in scores):
        return
    mine, theirs = arm.values(score.key), other.values(score.key)
    apart = difference(mine, theirs)
    sign = 1 if score.better == "lower" else -1
    yield Verdict(
        score=score,
        arm=arm.name,
        other=other.name,
        values=(MeanSd.of(mine.values()), MeanSd.of(theirs.values())),
        difference=apart,
        better=sum(sign * one < 0 for one in apart.apart),
        budget=budget,
    )


def _spread(one: MeanSd) -> str:
    return number(one.mean) + ("" if one.sd is None else f" ± {number(one.sd, like=one.mean)}")
