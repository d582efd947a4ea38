"""The comparison itself: what is not evaluated yet is, and everything is set side by side."""

from __future__ import annotations

from collections.abc import Sequence

from facesynth.evaluation.comparison.comparison import Column, Comparison
from facesynth.evaluation.comparison.seeds import with_seeds
from facesynth.evaluation.pictures.curves import training_curves
from facesynth.jobs.compare.candidates import Candidate, chosen_seeds
from facesynth.jobs.compare.scoring import Scoring
from facesynth.jobs.session import Execution


def compare(
    found: Sequence[Candidate], scoring: Scoring | None, execution: Execution, *, seeds: Sequence[int] | None = None
) -> Comparison:
    """Evaluate what is not evaluated yet, one after the other and all alike, and set everything side by side.

    `seeds` None leaves saved evaluations theirs; `scoring` may be None where all are saved. What a generator needs is
    seen to before the first one paints. UsageError for seeds that a saved evaluation lacks.
    """
    painted = chosen_seeds(found, seeds)
    saved = {
        one.source: one.saved.evaluation if seeds is None else with_seeds(one.saved.evaluation, seeds, where=one.source)
        for one in found
        if one.saved is not None
    }
    stages = {one.source: scoring.stages(one.weights) for one in found if one.weights is not None and scoring}
    columns = []
    for one in found:
        if one.saved is not None:
            evaluation = saved[one.source]
            curves = one.saved.curves
        else:
            assert scoring is not None and one.weights is not None
            execution.progress.note(f"evaluating {one.name}")
            evaluation = scoring.evaluated(one.weights, stages[one.source], execution, painted)
            curves = ()
        columns.append(Column(one.name, one.source, evaluation, curves or training_curves(evaluation.run)))
    return Comparison(tuple(columns))
