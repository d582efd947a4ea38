"""The stages of `facesynth evaluate images`, made from options, all that they need seen to before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.set_scores import SET_METRICS, check_metrics
from facesynth.inference.extractors.choice import choose_features
from facesynth.jobs.evaluate.generator_stages import default_metrics, describes_faces
from facesynth.jobs.evaluate.images import ImageStages
from facesynth.jobs.evaluate.pair_stages import pair_stages
from facesynth.stages.features import FeaturesStage
from facesynth.stages.pair_scores import MEASURES

PAIR_METRICS = ("lpips", *MEASURES, "identity")
METRICS = (*SET_METRICS, *PAIR_METRICS)
"""What a user calls them: `fid` to `pr` over the features, `lpips` by the perceptual distance that is asked for."""


def image_stages(
    metrics: Sequence[str] | None,
    *,
    paired: bool,
    features: str,
    perceptual: str,
    device: str,
    batch_size: int | None,
) -> ImageStages:
    """The real stages for some of METRICS; None: all of sets that the features give, and of pairs all but `identity`.

    UsageError for metrics of pairs that are not `paired`, and that the features cannot give; WeightsMissing or
    DependencyMissing says what is not here, and what to run or ask for.
    """
    how: dict[str, Any] = {"device": device, "batch_size": batch_size}
    extractor = choose_features(features)
    chosen = metrics or (*default_metrics(extractor), *(PAIR_METRICS[:-1] if paired else ()))
    if (alone := [name for name in chosen if name in PAIR_METRICS]) and not paired:
        raise UsageError(f"{alone[0]} compares each picture with its own real one", hint="add --paired")
    of_sets = [name for name in chosen if name in SET_METRICS]
    check_metrics(of_sets, extractor)
    pairs = None
    if alone:
        pairs = pair_stages(
            measures=tuple(name for name in MEASURES if name in chosen),
            perceptual=(perceptual,) if "lpips" in chosen else (),
            identity=describes_faces("identity" in chosen),
            **how,
        )
    if of_sets:
        extractor.check()
    if pairs is not None:
        pairs.check()
    return ImageStages(
        metrics=of_sets, features=lambda size: FeaturesStage(features, size, **how), pairs=pairs, device=device
    )
