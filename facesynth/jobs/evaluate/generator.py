"""`facesynth evaluate generator`: held-out label maps painted again through the cache, and the pictures scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from facesynth.evaluation.held_out import HeldOut
from facesynth.evaluation.pictures.generator_scores import Findings, Measured
from facesynth.evaluation.pictures.picture_scores import PictureScores, spread_over
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.set_scores import check_counts, check_metrics
from facesynth.evaluation.pictures.subjects import OWN, NetworkUsed, PicturesSubject, RealSet, Variant
from facesynth.inference.extractors.choice import DESCRIPTOR
from facesynth.jobs.evaluate.cases import ON_SHEET, PaintedCases, shown_names
from facesynth.jobs.evaluate.generator_passes import (
    GeneratorStages,
    score_diversity,
    score_fidelity,
    score_pairs,
    score_sets,
    score_unrelated,
)
from facesynth.jobs.evaluate.label_makers import judge_warnings, label_makers, network
from facesynth.jobs.evaluate.passes import Passes
from facesynth.jobs.evaluate.recipes import run_folder
from facesynth.jobs.evaluate.repainting import Repainting
from facesynth.jobs.evaluate.seeds import check_seeds
from facesynth.jobs.execution import Execution
from facesynth.report import installed_versions


def evaluate_generator(
    held_out: HeldOut,
    stages: GeneratorStages,
    execution: Execution,
    *,
    name: str,
    judge: str,
    seeds: Sequence[int],
    metrics: Sequence[str],
    settings: Mapping[str, Any],
) -> PictureEvaluation:
    """Paint held-out label maps in their photos' own styles and by seeds, and score the pictures, both apart.

    `name` and `judge` are what generator and judge are called: weights or files; `metrics` are some of SET_METRICS.
    All that is computed goes through the store: an evaluation that was stopped goes on. A face that cannot be used is
    left out and listed; InputError where none is left, UsageError where there are too few for a metric or more seeds
    than `check_seeds` allows.
    """
    check_seeds(seeds)
    check_metrics(metrics, stages.extractor)
    check_counts(metrics, {str(held_out.data): len(held_out)})
    variants = (OWN, *(Variant("by seed", seed) for seed in seeds))
    painted = Repainting(held_out, stages.encode, stages.synthesize, Passes(execution), variants, stages.encode_regions)
    if held_out.missing:
        execution.progress.note(f"{len(held_out.missing)} names of the split belong to no face here")
    painted.prepare()
    check_counts(metrics, {"what could be used": painted.count})
    stages.pairs.check_size(painted.size, name)

    networks = _networks(stages, name, judge)
    warnings = tuple(judge_warnings(networks[1], label_makers(held_out.data)))
    measured = Measured(
        metrics=metrics,
        features=stages.extractor,
        judge=judge,
        size=painted.size,
        perceptual=stages.pairs.extractors,
        identity=stages.pairs.identity,
        doubts=warnings,
    )
    pictures = PictureScores(painted.faces.names)
    sets, real = score_sets(painted, stages.features(painted.size), metrics)
    fidelity = score_fidelity(painted, stages.judge, pictures)
    likeness = score_pairs(painted, stages.pairs, pictures)
    found = Findings(
        variants=variants,
        count=painted.count,
        sets=sets,
        real=real,
        fidelity=fidelity,
        pictures=pictures,
        regions=likeness.regions,
        unrelated=score_unrelated(painted, stages.pairs),
        diversity=score_diversity(painted, stages.pairs),
    )
    extremes = tuple(found.extremes(measured))
    sheet = spread_over(painted.faces.names, ON_SHEET)
    return PictureEvaluation(
        subject=_subject(painted, stages, name, seeds),
        real=RealSet(
            data=str(held_out.data),
            count=painted.count,
            sizes=likeness.sizes,
            digest=painted.faces.digest,
            split=held_out.split,
            side=held_out.side,
            missing=held_out.missing,
        ),
        protocol=tuple(_protocol(painted, likeness.sizes, seeds)),
        scores=tuple(found.scores(measured)),
        networks=networks,
        classes=fidelity.classes(),
        regions=found.region_styles(),
        rows=pictures.rows(),
        cases=PaintedCases(painted.at_rest(), stages.judge).of(shown_names(sheet, extremes)),
        sheet=sheet,
        extremes=extremes,
        left_out=tuple(painted.passes.left_out.values()),
        warnings=(*warnings, *pictures.silent(measured.of_pairs, variants)),
        run=run_folder(name),
        settings=settings,
        versions=installed_versions(),
    )


def _networks(stages: GeneratorStages, name: str, judge: str) -> tuple[NetworkUsed, ...]:
    extractors = [("features", stages.extractor), *(("perceptual", one) for one in stages.pairs.extractors)]
    found = [
        network("generator", name, stages.synthesize.weights["generator"]),
        network("judge", judge, stages.judge.weights["parser"]),
        *(network(role, one.weights, one.sha256) for role, one in extractors),
    ]
    if stages.pairs.descriptor is not None:
        found.append(network("identity", DESCRIPTOR, stages.pairs.descriptor))
    return tuple(found)


def _subject(painted: Repainting, stages: GeneratorStages, name: str, seeds: Sequence[int]) -> PicturesSubject:
    return PicturesSubject(
        kind="generator",
        name=name,
        size=painted.size,
        count=painted.count,
        sha256=stages.synthesize.weights["generator"],
        seeds=tuple(seeds),
        precision=stages.precision,
        device=painted.passes.device(stages.device),
    )


def _protocol(painted: Repainting, sizes: Sequence[tuple[int, int]], seeds: Sequence[int]) -> list[str]:
    width, height = painted.size
    lay = " and ".join(f"{one[0]}×{one[1]}" for one in sizes[:3]) + (" and others" if len(sizes) > 3 else "")
    brought = f"photos of {lay} brought to that size (Lanczos, antialiased)"
    told = [
        f"pictures of {width}×{height}, {'photos too' if tuple(sizes) == (painted.size,) else brought}; "
        "label maps brought to it by nearest",
        "own style: each label map painted in the style that the generator's encoder reads from its photo",
    ]
    if seeds:
        told.append(f"by seed: in styles drawn by {', '.join(map(str, seeds))}; ± is the sample sd over seeds")
    return told
