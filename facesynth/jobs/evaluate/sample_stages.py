"""The stages of `facesynth evaluate samples`, made from options, all that they need seen to before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth.datasets.image_sets import ImageSet, Layout, Part, open_image_set
from facesynth.evaluation.pictures.set_scores import check_metrics
from facesynth.inference.extractors.choice import Extractor, choose_features
from facesynth.inference.residual_weights import ResidualWeights, read_residual_weights
from facesynth.jobs.evaluate.generator_stages import default_metrics
from facesynth.jobs.evaluate.sampled_pictures import Sampling
from facesynth.stages.base import Stage
from facesynth.stages.features import FeaturesStage
from facesynth.stages.sample import Sample, SampleStage, Wanted


@dataclass(frozen=True, slots=True)
class RealImages:
    """The images that pictures are compared with, and how they were asked for."""

    folder: Path
    images: ImageSet
    layout: Layout = "auto"
    part: Part = "train"

    @classmethod
    def open(cls, folder: Path, layout: Layout = "auto", part: Part = "train") -> RealImages:
        """Raises as `open_image_set` does."""
        return cls(folder, open_image_set(folder, layout, part=part), layout, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScoring:
    """What scores sets of pictures: one for all generators that are compared, so that its network loads once."""

    metrics: Sequence[str]
    features: Callable[[tuple[int, int]], FeaturesStage]
    device: str = "auto"
    batch_size: int | None = None

    @property
    def extractor(self) -> Extractor:
        """What describes pictures."""
        return self.features((1, 1)).extractor

    def of(self, generator: str, *, precision: str = "float32") -> SampledStages:
        """All stages that score a generator. UsageError for one that paints label maps, WeightsError for no such."""
        told = read_residual_weights(generator)
        how: dict[str, Any] = {"device": self.device, "batch_size": self.batch_size, "precision": precision}
        painting = SampleStage(generator=generator, size=told.spec.size, **how)
        return SampledStages(name=generator, told=told, paint=painting, scoring=self, precision=precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledStages:
    """What paints, by the generator's `name` (weights or file) and what its header told, and what scores."""

    name: str
    told: ResidualWeights
    paint: Stage[Wanted, Sample]
    scoring: SetScoring
    precision: str = "float32"


def set_scoring(metrics: Sequence[str] | None, *, features: str, device: str, batch_size: int | None) -> SetScoring:
    """The real stages, which compute in float32; `metrics` None: all that the features give.

    UsageError for metrics that they cannot give; WeightsMissing or DependencyMissing says what to run or ask for.
    """
    extractor = choose_features(features)
    chosen = tuple(metrics or default_metrics(extractor))
    check_metrics(chosen, extractor)
    extractor.check()
    how: dict[str, Any] = {"device": device, "batch_size": batch_size}
    return SetScoring(metrics=chosen, features=lambda size: FeaturesStage(features, size, **how), **how)


def sample_settings(
    stages: SampledStages, real: RealImages, sampling: Sampling, *, features: str, recipe: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What an evaluation was made with, as evaluation.json tells it; `training` is what the run's folder tells."""
    return {
        "data": str(real.folder),
        "layout": real.layout,
        "part": real.part,
        "generator": stages.name,
        "first_seed": sampling.first,
        "count": sampling.count,
        "trials": sampling.trials,
        "features": features,
        "metrics": list(stages.scoring.metrics),
        "precision": stages.precision,
        "device": stages.scoring.device,
        "training": recipe,
    }
