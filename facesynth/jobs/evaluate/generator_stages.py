"""The stages of `facesynth evaluate generator`, made from options, all that they need seen to before anything runs."""

from __future__ import annotations

from typing import Any

from facesynth import weights
from facesynth.core.errors import WeightsError
from facesynth.evaluation.pictures.set_scores import SET_METRICS
from facesynth.inference.extractors.choice import DESCRIPTOR, Extractor
from facesynth.jobs.evaluate.generator_passes import GeneratorStages
from facesynth.stages.encode import EncodeStage
from facesynth.stages.features import FeaturesStage
from facesynth.stages.pair_scores import PairScoresStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage


def generator_stages(
    generator: str,
    judge: str,
    *,
    features: str,
    perceptual: str,
    identity: bool | None,
    precision: str,
    device: str,
    batch_size: int | None,
) -> GeneratorStages:
    """The real stages. WeightsMissing or DependencyMissing says what is not here, and what to run or ask for.

    `precision` is that of painting; what scores computes in float32. `identity` None: where its model lies here.
    """
    how: dict[str, Any] = {"device": device, "batch_size": batch_size}
    found = GeneratorStages(
        encode=EncodeStage(generator=generator, precision=precision, **how),
        synthesize=SynthesizeStage(generator=generator, precision=precision, **how),
        judge=SegmentStage(parser=judge, **how),
        features=lambda size: FeaturesStage(features, size, **how),
        pairs=PairScoresStage(perceptual=(perceptual,), identity=describes_faces(identity), resize=True, **how),
        apart=PairScoresStage(measures=(), perceptual=(perceptual,), **how),
        precision=precision,
        device=device,
    )
    weights.locate(generator)
    weights.locate(judge)
    for extractor in (found.extractor, *found.pairs.extractors):
        extractor.check()
    return found


def default_metrics(extractor: Extractor) -> tuple[str, ...]:
    """All metrics of sets that these features give."""
    return tuple(metric for metric in SET_METRICS if metric != "is" or extractor.is_inception)


def describes_faces(asked: bool | None) -> bool:
    """Whether face descriptors are compared: as asked for, else where their model lies here. Raises WeightsMissing."""
    if asked is False:
        return False
    try:
        weights.locate(DESCRIPTOR)
    except WeightsError:
        if asked:
            raise
        return False
    return True
