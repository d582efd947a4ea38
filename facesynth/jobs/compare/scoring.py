"""How everything that is compared is evaluated: on the same faces, by the same measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesynth.core.errors import UsageError
from facesynth.evaluation.held_out import HeldOut, Side, open_held_out
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.jobs.compare.candidates import Candidate
from facesynth.jobs.execution import Execution
from facesynth.weights import default_name

if TYPE_CHECKING:
    from facesynth.jobs.evaluate.generator_stages import ScoringStages


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How every generator is evaluated, with all that a score depends on; `metrics` None: all that features give."""

    held_out: HeldOut
    judge: str
    features: str
    perceptual: str
    split: str | None = None
    truth_schema: str | None = None
    metrics: Sequence[str] | None = None
    identity: bool | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None

    def stages(self) -> ScoringStages:
        """What scores all generators. Raises WeightsMissing and DependencyMissing: what to run first."""
        from facesynth.jobs.evaluate.generator_stages import scoring_stages  # torch, which will compute

        return scoring_stages(
            self.judge,
            features=self.features,
            perceptual=self.perceptual,
            identity=self.identity,
            device=self.device,
            batch_size=self.batch_size,
        )

    def begin(self, generators: Sequence[str], seeds: Sequence[int]) -> Callable[[str, Execution], PictureEvaluation]:
        """See that all is there that these need, and return what evaluates one of them, by these seeds.

        Raises as `stages` does, and UsageError for too many seeds.
        """
        from facesynth.jobs.evaluate.seeds import check_seeds

        stages = self.stages()
        check_seeds(seeds)
        for generator in generators:
            stages.of(generator)  # raises for what is not here; nothing is loaded
        return lambda generator, execution: self.evaluated(generator, stages, execution, seeds)

    def evaluated(
        self, generator: str, scoring: ScoringStages, execution: Execution, seeds: Sequence[int]
    ) -> PictureEvaluation:
        """The evaluation of a generator, whose networks do not outlive this. Raises as `evaluate_generator` does."""
        from facesynth.jobs.evaluate.generator import evaluate_generator
        from facesynth.jobs.evaluate.generator_stages import default_metrics, generator_settings

        stages = scoring.of(generator, precision=self.precision)
        metrics = self.metrics or default_metrics(stages.extractor)
        settings = generator_settings(
            stages,
            self.held_out,
            split=self.split,
            truth_schema=self.truth_schema,
            generator=generator,
            judge=self.judge,
            seeds=seeds,
            features=self.features,
            perceptual=self.perceptual,
            metrics=metrics,
        )
        return evaluate_generator(
            self.held_out,
            stages,
            execution,
            name=generator,
            judge=self.judge,
            seeds=seeds,
            metrics=metrics,
            settings=settings,
        )


def scoring_of(
    found: Sequence[Candidate],
    data: Path | None,
    *,
    split: str | None = None,
    side: Side | None = None,
    truth_schema: str | None = None,
    judge: str | None = None,
    **how: Any,
) -> Scoring | None:
    """How to evaluate what is not evaluated yet, `how` being Scoring's own; None where everything is.

    UsageError where there is no `data` for it, and where there is and nothing to evaluate.
    """
    waiting = next((one for one in found if one.weights is not None), None)
    if data is None:
        if waiting is not None:
            hint = "give --data with photos and label maps, or an evaluation.json that was saved"
            raise UsageError("is not evaluated yet", where=waiting.source, hint=hint)
        if split is not None or side is not None or truth_schema is not None:
            raise UsageError("--split, --side and --truth-schema say which faces of --data: give that too")
        return None
    if waiting is None:
        raise UsageError("all that is compared is evaluated already: there is nothing to do on --data")
    held_out = open_held_out(data, split=split, side=side, truth_schema=truth_schema)
    judging = judge or default_name("judge")
    return Scoring(held_out=held_out, judge=judging, split=split, truth_schema=truth_schema, **how)
