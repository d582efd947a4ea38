"""Which way generators are evaluated for a comparison: from label maps, or of seeds alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facesynth.core.errors import FacesynthError, UsageError, WeightsMissing
from facesynth.inference.residual_weights import read_residual_weights
from facesynth.jobs.compare.candidates import Candidate
from facesynth.jobs.compare.sample_scoring import SampleScoring, sampling_of
from facesynth.jobs.compare.scoring import Scoring, scoring_of

OF_SEEDS = ("layout", "part", "count")
"""What says how pictures of seeds are scored, and nothing of label maps."""
OF_LABELS = ("split", "side", "truth_schema", "judge", "perceptual", "identity")
"""What says how pictures of label maps are scored, and nothing of those of seeds alone."""


def scorer_of(
    found: Sequence[Candidate],
    data: Path | None,
    *,
    seeds: Sequence[int] | None = None,
    count: int | None = None,
    layout: Any = "auto",
    part: Any = "train",
    **how: Any,
) -> Scoring | SampleScoring | None:
    """How to evaluate what is not evaluated yet; None where everything is. `how` is what `scoring_of` takes beside.

    UsageError as there, and where some of them paint label maps and others do not. Raises as `open_image_set` does.
    """
    waiting = [one for one in found if one.weights is not None]
    kinds = {one.source: paints_seeds(one.weights) for one in waiting if one.weights is not None and data is not None}
    if not kinds or not any(kinds.values()):
        return scoring_of(found, data, **how)
    if not all(kinds.values()):
        other = next(source for source, of_seeds in kinds.items() if not of_seeds)
        what = "paints label maps, others that are compared with it make pictures of seeds alone"
        raise UsageError(what, where=other, hint="compare the two kinds apart")
    from facesynth.jobs.evaluate.sample_stages import RealImages

    assert data is not None
    return SampleScoring(
        real=RealImages.open(data, layout, part),
        sampling=sampling_of(seeds, count, found),
        **{key: value for key, value in how.items() if key not in OF_LABELS},
    )


def paints_seeds(weights_name: str) -> bool:
    """Whether weights hold a generator that needs no label maps; False where that cannot be told.

    Raises WeightsMissing.
    """
    try:
        read_residual_weights(weights_name)
    except WeightsMissing:
        raise
    except FacesynthError:
        return False
    return True
