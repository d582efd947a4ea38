"""How generators without label maps are evaluated for a comparison: the same seeds, against the same real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.jobs.compare.candidates import Candidate
from facesynth.jobs.execution import Execution

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

        Raises WeightsError, DependencyMissing, and UsageError for a metric that the features cannot give, and for
        real images without the attributes that a generator was trained with.
        """
        from facesynth.jobs.evaluate.sample_stages import set_scoring  # torch, which will compute
        from facesynth.jobs.evaluate.sampled_pictures import Conditions

        scoring = set_scoring(self.metrics, features=self.features, device=self.device, batch_size=self.batch_size)
        for generator in generators:
            Conditions(scoring.of(generator).told, self.real.images)  # raises where these do not fit

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


def sampling_of(seeds: Sequence[int] | None, count: int | None, found: Sequence[Candidate] = ()) -> Sampling:
    """The seeds to paint, from what a user says: where they begin, or all of them; else those that the first saved
    evaluation of seeds in `found` was painted of, or as many as `count` says from its first one on.

    UsageError for seeds with gaps, and for others than a saved evaluation has.
    """
    from facesynth.jobs.evaluate.sampled_pictures import Sampling

    saved = [(one.source, sampling) for one in found if (sampling := _saved_sampling(one)) is not None]
    if seeds is None:
        if not saved:
            return Sampling.asked(None, count)
        (_, like), *_ = saved
        return like if count in (None, like.count) else Sampling.asked((like.first, None), count)
    first, last = seeds[0], seeds[-1]
    if list(seeds) != list(range(first, last + 1)):
        raise UsageError("pictures of seeds are scored of seeds that follow each other", hint="give --seeds 0-4999")
    asked = Sampling.asked((first, last if len(seeds) > 1 else None), count)
    for source, held in saved:
        if held != asked:
            what = f"was painted of {held.told()}, of which no others can be taken now; --seeds asks for {asked.told()}"
            raise UsageError(what, where=source, hint="leave --seeds and --count out, or evaluate it again")
    return asked


def _saved_sampling(one: Candidate) -> Sampling | None:
    """The seeds that a saved evaluation was painted of; None where it is none of seeds alone, or does not tell them."""
    from facesynth.jobs.evaluate.sampled_pictures import Sampling

    if one.saved is None or not one.saved.evaluation.subject.of_seeds:
        return None
    settings: Mapping[str, Any] = one.saved.evaluation.settings
    told = [settings.get("count"), settings.get("first_seed"), settings.get("trials", 1)]
    if not all(isinstance(number, int) for number in told):
        return None
    return Sampling(*told)
