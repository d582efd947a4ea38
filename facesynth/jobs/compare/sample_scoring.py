"""How generators without label maps are evaluated for a comparison: the same seeds, against the same real images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.jobs.session import Execution

if TYPE_CHECKING:
    from facesynth.jobs.evaluate.sample_stages import RealImages, SampledStages
    from facesynth.jobs.evaluate.sampled_pictures import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleScoring:
    """How every generator is evaluated, with all that a score depends on; `metrics` None: all that features give."""

    real: RealImages
    sampling: Sampling
    features: str
    metrics: Sequence[str] | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None

    def begin(self, generators: Sequence[str], seeds: Sequence[int]) -> Callable[[str, Execution], PictureEvaluation]:
        """See that all is there that these need, and return what evaluates one of them. `seeds` are the sampling's own.

        Raises WeightsError, DependencyMissing, and UsageError for a metric that the features cannot give.
        """
        from facesynth.jobs.evaluate.sample_stages import set_scoring  # torch, which will compute

        scoring = set_scoring(self.metrics, features=self.features, device=self.device, batch_size=self.batch_size)
        for generator in generators:
            scoring.of(generator)

        def evaluated(generator: str, execution: Execution) -> PictureEvaluation:
            return self._evaluated(scoring.of(generator, precision=self.precision), execution)

        return evaluated

    def _evaluated(self, stages: SampledStages, execution: Execution) -> PictureEvaluation:
        from facesynth.jobs.evaluate.recipes import recipe_of
        from facesynth.jobs.evaluate.sample_stages import sample_settings
        from facesynth.jobs.evaluate.samples import evaluate_samples

        settings = sample_settings(
            stages, self.real, self.sampling, features=self.features, recipe=recipe_of(stages.name)
        )
        return evaluate_samples(self.real, stages, self.sampling, execution, settings=settings)


def sampling_of(seeds: Sequence[int] | None, count: int | None) -> Sampling:
    """One set of seeds from what a user says: where they begin, or all of them. UsageError for seeds with gaps."""
    from facesynth.jobs.evaluate.sampled_pictures import Sampling

    if seeds is None:
        return Sampling.asked(None, count)
    first, last = seeds[0], seeds[-1]
    if list(seeds) != list(range(first, last + 1)):
        raise UsageError("pictures of seeds are scored of seeds that follow each other", hint="give --seeds 0-4999")
    return Sampling.asked((first, last if len(seeds) > 1 else None), count)
