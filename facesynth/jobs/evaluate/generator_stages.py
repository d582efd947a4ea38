"""The stages of `facesynth evaluate generator`, made from options, all that they need seen to before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from facesynth import weights
from facesynth.core.errors import WeightsError
from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.evaluation.held_out import HeldOut
from facesynth.evaluation.pictures.set_scores import SET_METRICS
from facesynth.inference.extractors.choice import DESCRIPTOR, Extractor
from facesynth.jobs.evaluate.generator_passes import GeneratorStages
from facesynth.jobs.evaluate.pair_stages import PairStages, pair_stages
from facesynth.stages.base import Stage
from facesynth.stages.encode import EncodeRegionsStage, EncodeStage, reads_regions
from facesynth.stages.features import FeaturesStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringStages:
    """What scores a generator's pictures: one for all generators that are compared, so its networks load once."""

    judge: Stage[Face, LabelMap]
    features: Callable[[tuple[int, int]], FeaturesStage]
    pairs: PairStages
    device: str = "auto"
    batch_size: int | None = None

    def of(self, generator: str, *, precision: str = "float32") -> GeneratorStages:
        """All stages that evaluate a generator; `precision` is that of painting. Raises WeightsMissing."""
        weights.locate(generator)
        how: dict[str, Any] = {"device": self.device, "batch_size": self.batch_size, "precision": precision}
        return GeneratorStages(
            encode=EncodeStage(generator=generator, **how),
            encode_regions=EncodeRegionsStage(generator=generator, **how) if reads_regions(generator) else None,
            synthesize=SynthesizeStage(generator=generator, **how),
            judge=self.judge,
            features=self.features,
            pairs=self.pairs,
            precision=precision,
            device=self.device,
        )


def scoring_stages(
    judge: str, *, features: str, perceptual: str, identity: bool | None, device: str, batch_size: int | None
) -> ScoringStages:
    """The real stages, which compute in float32. WeightsMissing or DependencyMissing says what to run or ask for.

    `identity` None: face descriptors where their model lies here.
    """
    how: dict[str, Any] = {"device": device, "batch_size": batch_size}
    weights.locate(judge)
    found = ScoringStages(
        judge=SegmentStage(parser=judge, **how),
        features=lambda size: FeaturesStage(features, size, **how),
        pairs=pair_stages(perceptual=(perceptual,), identity=describes_faces(identity), **how),
        **how,
    )
    found.features((1, 1)).extractor.check()
    found.pairs.check()
    return found


def generator_settings(
    stages: GeneratorStages,
    held_out: HeldOut,
    *,
    split: str | None,
    truth_schema: str | None,
    generator: str,
    judge: str,
    seeds: Sequence[int],
    features: str,
    perceptual: str,
    metrics: Sequence[str],
) -> dict[str, Any]:
    """What an evaluation was made with, as evaluation.json tells it: what was left open is told as it was settled."""
    return {
        "data": str(held_out.data),
        "split": split,
        "side": held_out.side,
        "truth_schema": truth_schema,
        "generator": generator,
        "seeds": list(seeds),
        "judge": judge,
        "features": features,
        "perceptual": perceptual,
        "metrics": list(metrics),
        "identity": stages.pairs.identity,
        "precision": stages.precision,
        "device": stages.device,
    }


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
