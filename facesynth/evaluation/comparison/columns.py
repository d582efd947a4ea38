"""A column of a comparison: one evaluation, or the trials of one arm with their mean."""

from __future__ import annotations

from dataclasses import dataclass

from facesynth.evaluation.comparison.training import Training
from facesynth.evaluation.pictures.curves import Curve
from facesynth.evaluation.pictures.results import PictureEvaluation


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of an arm: what the user called it, its evaluation and its curves."""

    name: str
    source: str
    training: Training
    evaluation: PictureEvaluation
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One of those that are compared: its name, which no other has, and what the user called it.

    `passed_by` says what of it could not be read here. `trials` are the trainings that it is the mean of; a single one
    where its evaluation tells how it was trained, none where it does not.
    """

    name: str
    source: str
    evaluation: PictureEvaluation
    curves: tuple[Curve, ...] = ()
    passed_by: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()

    @property
    def kept(self) -> tuple[Trial, ...] | tuple[Column]:
        """What its numbers follow from, evaluation by evaluation: its trials where there are several, else itself."""
        return self.trials if len(self.trials) > 1 else (self,)

    def values(self, key: str) -> dict[int, float]:
        """What each trial scored by a measure, by its training's seed, those that were scored by it."""
        scores = ((one.training.seed, one.evaluation.score(key, "pictures")) for one in self.trials)
        return {seed: score.value for seed, score in scores if score is not None}
