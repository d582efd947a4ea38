"""Several evaluations of trials as one: each score their mean with its sample standard deviation over them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from statistics import fmean
from types import MappingProxyType

from facesynth.evaluation.pictures.results import Halves, PictureEvaluation, Score
from facesynth.metrics.spread import MeanSd


def alike(one: PictureEvaluation, other: PictureEvaluation) -> bool:
    """Whether the two were scored alike: by the same measures, on the same real images, at the same size."""
    return _scored(one) == _scored(other)


def merged(name: str, trials: Mapping[int, PictureEvaluation]) -> PictureEvaluation:
    """Evaluations that are `alike`, by their training's seed, as one under a name; two or more.

    What only one training can tell (its weights' sha256, its run's folder) is left out; the pictures are those of the
    first. `by_seed` of a score has the value of each trial.
    """
    first, *_ = every = list(trials.values())
    seeds = ", ".join(map(str, trials))
    spread = f"{len(trials)} trainings, by the seeds {seeds}: each number is their mean, ± the sample sd over them"
    return dataclasses.replace(
        first,
        subject=dataclasses.replace(first.subject, name=name, sha256=None),
        protocol=(*_each(one.protocol for one in every), spread),
        scores=tuple(_mean(key, trials) for key in _shared(every)),
        networks=tuple(one for one in first.networks if one.role != "generator"),
        rows=(),
        left_out=tuple(chain.from_iterable(one.left_out for one in every)),
        warnings=_each(one.warnings for one in every),
        run=None,
        settings={**first.settings, "generator": [one.settings.get("generator") for one in every]},
    )


def _scored(one: PictureEvaluation) -> object:
    measures = sorted((score.key, score.setting, score.protocol, score.count) for score in one.scores)
    return one.real.digest or one.real.told(), one.subject.size, one.subject.precision, measures


def _shared(every: Sequence[PictureEvaluation]) -> list[Score]:
    """The first one's scores, which all have."""
    first, *others = every
    return [one for one in first.scores if all(other.score(one.key, one.setting) for other in others)]


def _mean(one: Score, trials: Mapping[int, PictureEvaluation]) -> Score:
    found = {seed: score for seed, each in trials.items() if (score := each.score(one.key, one.setting)) is not None}
    values = {seed: score.value for seed, score in found.items()}
    spread = MeanSd.of(values.values())
    ceilings = [score.ceiling for score in found.values() if score.ceiling is not None]
    return dataclasses.replace(
        one,
        value=spread.mean,
        sd=spread.sd,
        sd_over=f"{spread.count} trainings",
        by_seed=MappingProxyType(values),
        halves=_halves({seed: score.halves for seed, score in found.items()}),
        ceiling=fmean(ceilings) if ceilings else None,
        notes=_each(score.notes for score in found.values()),
        warning=next((score.warning for score in found.values() if score.warning), None),
    )


def _halves(found: Mapping[int, Halves | None]) -> Halves | None:
    there = {seed: halves for seed, halves in found.items() if halves is not None}
    if len(there) < len(found) or len({halves.count for halves in there.values()}) != 1:
        return None
    first = next(iter(there.values()))
    by_seed = {seed: halves.generated for seed, halves in there.items()}
    return Halves(
        count=first.count, real=first.real, generated=fmean(by_seed.values()), by_seed=MappingProxyType(by_seed)
    )


def _each(lines: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(lines)))
