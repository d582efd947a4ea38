"""The comparison itself: what is not evaluated yet is, and everything is set side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from facesynth.evaluation.comparison.arms import with_arms
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.seeds import with_seeds
from facesynth.evaluation.pictures.curves import training_curves
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.jobs.compare.candidates import Candidate, chosen_seeds
from facesynth.jobs.execution import Execution


class Scorer(Protocol):
    """How everything that is compared is evaluated alike."""

    def begin(self, generators: Sequence[str], seeds: Sequence[int]) -> Callable[[str, Execution], PictureEvaluation]:
        """See that all is there that these need, and return what evaluates one of them."""
        ...


def compare(
    found: Sequence[Candidate], scoring: Scorer | None, execution: Execution, *, seeds: Sequence[int] | None = None
) -> Comparison:
    """Evaluate what is not evaluated yet, one after the other and all alike, and set everything side by side; trials
    of one arm, trainings that differ in their seed alone, are one column.

    `seeds` None leaves saved evaluations theirs; `scoring` may be None where all are saved. What a generator needs is
    seen to before the first one paints; the networks of one are gone when the next one's come, those that score stay.
    UsageError for seeds that a saved evaluation lacks, and for too many to paint.
    """
    painted = chosen_seeds(found, seeds)
    saved = {
        one.source: one.saved.evaluation if seeds is None else with_seeds(one.saved.evaluation, seeds, where=one.source)
        for one in found
        if one.saved is not None
    }
    to_paint = [one.weights for one in found if one.weights is not None]
    evaluate = scoring.begin(to_paint, painted) if scoring is not None and to_paint else None
    columns = []
    for one in found:
        if one.saved is not None:
            evaluation = saved[one.source]
            curves, passed_by = one.saved.curves, one.saved.passed_by
        else:
            assert evaluate is not None and one.weights is not None
            execution.progress.note(f"evaluating {one.name}")
            evaluation = evaluate(one.weights, execution)
            curves, passed_by = (), ()
        columns.append(Column(one.name, one.source, evaluation, curves or training_curves(evaluation.run), passed_by))
    return Comparison(with_arms(columns))
