"""The comparison itself: what is not evaluated yet is, and everything is set side by side."""

from __future__ import annotations

from collections.abc import Sequence

from facesynth.evaluation.comparison.comparison import Column, Comparison
from facesynth.evaluation.comparison.seeds import with_seeds
from facesynth.evaluation.pictures.curves import training_curves
from facesynth.jobs.compare.candidates import Candidate, chosen_seeds
from facesynth.jobs.compare.scoring import Scoring
from facesynth.jobs.evaluate.seeds import check_seeds
from facesynth.jobs.session import Execution


def compare(
    found: Sequence[Candidate], scoring: Scoring | None, execution: Execution, *, seeds: Sequence[int] | None = None
) -> Comparison:
    """Evaluate what is not evaluated yet, one after the other and all alike, and set everything side by side.

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
    stages = scoring.stages() if scoring is not None and to_paint else None
    if stages is not None:
        check_seeds(painted)
        for weights in to_paint:
            stages.of(weights)  # raises for what is not here; nothing is loaded
    columns = []
    for one in found:
        if one.saved is not None:
            evaluation = saved[one.source]
            curves, passed_by = one.saved.curves, one.saved.passed_by
        else:
            assert scoring is not None and stages is not None and one.weights is not None
            execution.progress.note(f"evaluating {one.name}")
            evaluation = scoring.evaluated(one.weights, stages, execution, painted)
            curves, passed_by = (), ()
        columns.append(Column(one.name, one.source, evaluation, curves or training_curves(evaluation.run), passed_by))
    return Comparison(tuple(columns))
