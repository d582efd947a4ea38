"""An evaluation as if only some of its seeds had been painted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from types import MappingProxyType

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.cases import CasePictures
from facesynth.evaluation.pictures.results import Halves, PictureEvaluation, Score
from facesynth.evaluation.pictures.rows_file import rows_of_seeds
from facesynth.evaluation.pictures.subjects import Variant
from facesynth.metrics.spread import MeanSd


def with_seeds(evaluation: PictureEvaluation, seeds: Sequence[int], *, where: str) -> PictureEvaluation:
    """The same with its scores by seed taken over these seeds alone; itself where they are all that it has.

    Scores and classes that are not known seed by seed (how far apart seeds are, say) are left out then. UsageError for
    a seed that it lacks, and where pictures of seeds alone were scored as a set; `where` is the file that is named.
    """
    if evaluation.subject.of_seeds:
        what = "its pictures of seeds were scored as one set, of which no seeds can be taken"
        raise UsageError(what, where=where, hint="leave --seeds out, or evaluate the seeds that you want")
    held, wanted = set(evaluation.subject.seeds), tuple(dict.fromkeys(seeds))
    if held == set(wanted):
        return evaluation
    if missing := [seed for seed in wanted if seed not in held]:
        have = ", ".join(map(str, sorted(held))) or "none"
        what = f"the seed {missing[0]} was not painted for this evaluation, those that were: {have}"
        raise UsageError(what, where=where, hint="give --seeds that it has, or evaluate again")
    dropped = held - set(wanted)
    scores = [_taken(score, wanted) if score.setting == "by seed" else score for score in evaluation.scores]
    return dataclasses.replace(
        evaluation,
        subject=dataclasses.replace(evaluation.subject, seeds=wanted),
        protocol=(*evaluation.protocol, f"of these the seeds {', '.join(map(str, wanted))} alone"),
        scores=tuple(score for score in scores if score is not None),
        classes=tuple(
            dataclasses.replace(row, pictures={s: one for s, one in row.pictures.items() if s != "by seed"})
            for row in evaluation.classes
        ),
        regions=tuple(
            dataclasses.replace(row, pictures={s: one for s, one in row.pictures.items() if s != "by seed"})
            for row in evaluation.regions
        ),
        rows=rows_of_seeds(evaluation.rows, wanted),
        cases=tuple(
            case if case.look is None else dataclasses.replace(case, look=partial(_looked, case.look, wanted))
            for case in evaluation.cases
        ),
        warnings=tuple(
            told for told in evaluation.warnings if not any(f"({Variant('by seed', seed)})" in told for seed in dropped)
        ),
        extremes=tuple(extremes for extremes in evaluation.extremes if extremes.setting != "by seed"),
    )


def _looked(look: Callable[[], CasePictures], seeds: Sequence[int]) -> CasePictures:
    found = look()
    return dataclasses.replace(found, seeds={seed: one for seed, one in found.seeds.items() if seed in seeds})


def _taken(score: Score, seeds: Sequence[int]) -> Score | None:
    if not all(seed in score.by_seed for seed in seeds):
        return None
    values = {seed: score.by_seed[seed] for seed in seeds}
    spread = MeanSd.of(values.values())
    over = None if spread.sd is None else f"{spread.count} seeds"
    return dataclasses.replace(
        score,
        value=spread.mean,
        sd=spread.sd,
        sd_over=over,
        by_seed=MappingProxyType(values),
        halves=None if score.halves is None else _halves(score.halves, seeds),
    )


def _halves(halves: Halves, seeds: Sequence[int]) -> Halves | None:
    if not all(seed in halves.by_seed for seed in seeds):
        return None
    values = {seed: halves.by_seed[seed] for seed in seeds}
    return dataclasses.replace(halves, generated=fmean(values.values()), by_seed=MappingProxyType(values))
