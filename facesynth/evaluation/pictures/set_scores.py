"""A generated set against the real one: Fréchet and kernel distance, precision and recall, Inception Score."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.feature_sets import FeatureSet, blocks
from facesynth.evaluation.pictures.measures import Measure, Number, Reference
from facesynth.evaluation.pictures.results import Better
from facesynth.inference.extractors.choice import Extractor
from facesynth.metrics.frechet import few_pictures_warning, frechet_distance
from facesynth.metrics.inception_score import FEWEST_A_PART, InceptionScore, small_parts_warning
from facesynth.metrics.kernel_distance import kernel_distance, small_subsets_warning
from facesynth.metrics.precision_recall import precision_recall, small_sample_warning

SET_METRICS = ("fid", "kid", "is", "pr")
"""What a user calls them; over features that are asked for by name the same words mean what is like them."""

SEED = 2020
"""By which halves, subsets, splits and samples are drawn: torch-fidelity's own default."""

SPLITS, SUBSETS, NEIGHBOURS, SAMPLE = 10, 100, 3, 10_000

_FEWEST: Mapping[str, int] = MappingProxyType({"fid": 2, "kid": 4, "is": FEWEST_A_PART * SPLITS, "pr": NEIGHBOURS + 1})
"""Pictures that each needs a side."""


def check_counts(metrics: Collection[str], counts: Mapping[str, int]) -> None:
    """Raise UsageError where a set, by its name in words, holds too few pictures for one of the metrics."""
    for metric in (one for one in SET_METRICS if one in metrics):
        for name, count in counts.items():
            if count < _FEWEST[metric]:
                raise UsageError(
                    f"{metric} needs at least {_FEWEST[metric]} pictures a side, {name} holds {count}",
                    hint="give more pictures, or leave that metric out",
                )


def check_metrics(metrics: Collection[str], extractor: Extractor) -> None:
    """Raise UsageError for a metric that these features cannot give."""
    if "is" in metrics and not extractor.is_inception:
        what = f"an Inception Score needs Inception's classes, {extractor.name} has none"
        raise UsageError(what, hint="use --features inception, or leave out is")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A number of `compare_sets`: of which metric, its key and name over the field's weights, and over any others."""

    metric: str
    key: str
    published: str
    plain_key: str
    plain: str
    better: Better
    how: str


_KERNEL = f"unbiased squared MMD, kernel (x·y/D + 1)³, mean of {SUBSETS} subsets by seed {SEED}, torch-fidelity"
_MANIFOLD = f"{NEIGHBOURS} neighbours, at most {SAMPLE:,} a side by seed {SEED}, torch-fidelity"
_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "fid": _Kind(
            "fid",
            "fid",
            "FID",
            "frechet",
            "Fréchet distance",
            "lower",
            "Fréchet distance of two Gaussians, torch-fidelity",
        ),
        "kid": _Kind("kid", "kid", "KID", "kernel", "kernel distance", "lower", _KERNEL),
        "is": _Kind(
            "is",
            "inception_score",
            "Inception Score",
            "inception_score",
            "Inception Score",
            "higher",
            f"{SPLITS} splits, shuffled by seed {SEED}, as torch-fidelity",
        ),
        "precision": _Kind(
            "pr",
            "precision",
            "precision",
            "precision",
            "precision",
            "higher",
            f"share of generated among real, {_MANIFOLD}",
        ),
        "recall": _Kind(
            "pr", "recall", "recall", "recall", "recall", "higher", f"share of real among generated, {_MANIFOLD}"
        ),
    }
)


def set_measures(metrics: Collection[str], extractor: Extractor) -> dict[str, Measure]:
    """What is measured, by its kind in `compare_sets`, in the order it is shown in.

    Only over the field's own weights a measure has the field's name.
    """
    published = extractor.is_published
    other = "" if published else ", comparable over the same features alone"
    return {
        kind: Measure(
            key=one.key if published else f"{one.plain_key}/{extractor.name}",
            label=extractor.called(one.published, one.plain),
            group="set",
            better=one.better,
            protocol=f"{one.how}; features: {extractor.protocol}{other}",
        )
        for kind, one in _KINDS.items()
        if one.metric in metrics
    }


Compare: TypeAlias = Callable[[str, FeatureSet, FeatureSet], Mapping[str, Number]]
"""`compare_by`, or what finds again what that gave."""


def compare_by(metric: str, real: FeatureSet, generated: FeatureSet) -> dict[str, Number]:
    """What one metric of SET_METRICS comes to, by kind: `fid`, `kid`, `is` (of `generated` alone), or `precision` and
    `recall`. UsageError where a set is too small for it.
    """
    count, against = len(generated), f"{len(generated)} against {len(real)} real pictures"
    if metric == "fid":
        value = frechet_distance(real.moments, generated.moments)
        warning = few_pictures_warning(real.moments, generated.moments)
        return {"fid": Number(value=value, count=count, notes=(against,), warning=warning)}
    if metric == "kid":
        kid = kernel_distance(real.features, generated.features, subsets=SUBSETS, subset_size=None, seed=SEED)
        found = Number(
            value=kid.spread.mean,
            count=count,
            sd=kid.spread.sd,
            sd_over=f"{kid.spread.count} subsets",
            notes=(against, f"subsets of {kid.subset_size}"),
            warning=small_subsets_warning(kid.subset_size),
        )
        return {"kid": found}
    if metric == "is":
        return {"is": _inception_score(generated)}
    pr = precision_recall(real.features, generated.features, neighbours=NEIGHBOURS, limit=SAMPLE, seed=SEED)
    used = f"{pr.generated_used} generated and {pr.real_used} real pictures used"
    warning = small_sample_warning(pr.real_used, pr.generated_used)
    values = {"precision": pr.precision, "recall": pr.recall}
    return {kind: Number(value=value, count=count, notes=(used,), warning=warning) for kind, value in values.items()}


def compare_sets(
    metrics: Collection[str], real: FeatureSet, generated: FeatureSet, compare: Compare = compare_by
) -> dict[str, Number]:
    """The numbers by kind: `fid`, `kid`, `is`, `precision`, `recall`, each also at the count of `references`.

    UsageError where a set is too small for one.
    """
    found: dict[str, Number] = {}
    half = _half(len(real), len(generated))
    for metric in (one for one in SET_METRICS if one in metrics):
        numbers = dict(compare(metric, generated if metric == "is" else real, generated))
        if metric != "is" and half >= _FEWEST[metric]:
            # the other half's rows: what was painted of a picture is not compared with that very picture
            first, other = real.halves(half, SEED)[0], generated.halves(half, SEED)[1]
            at_half = compare(metric, first, other)
            numbers = {kind: replace(one, at_half=at_half[kind].value) for kind, one in numbers.items()}
        found |= numbers
    return found


def references(
    metrics: Collection[str], real: FeatureSet, generated: int, compare: Compare = compare_by
) -> dict[str, Reference]:
    """What real pictures score where so many `generated` are scored: one part of the real set against another, each
    half of it or as many as there are generated, and their own Inception Score.
    """
    found: dict[str, Reference] = {}
    half = _half(len(real), generated)
    for metric in (one for one in SET_METRICS if one in metrics and one != "is"):
        if half < _FEWEST[metric]:
            counts = f"{len(real)} real and {generated} generated pictures"
            few = Reference(notes=(f"no real against real: {counts} are too few for two halves",))
            found |= dict.fromkeys(("precision", "recall") if metric == "pr" else (metric,), few)
            continue
        notes: tuple[str, ...] = (
            f"real against real: two halves of {half}, drawn by seed {SEED}, and beside it {half} generated pictures "
            "against the first of them",
        )
        if metric == "fid" and half <= real.features.shape[1]:
            notes += (f"of {half} pictures both read high, in {real.features.shape[1]} dimensions",)
        for kind, number in compare(metric, *real.halves(half, SEED)).items():
            more = tuple(f"there {one}" for one in number.notes if one.startswith("subsets"))
            found[kind] = Reference(half=(half, number.value), notes=notes + more)
    if "is" in metrics and len(real) >= _FEWEST["is"]:
        own = compare("is", real, real)["is"].value
        found["is"] = Reference(ceiling=own, notes=(f"ceiling: the real set's own, of {len(real)} pictures",))
    return found


def _half(real: int, generated: int) -> int:
    return min(real // 2, generated)


def _inception_score(pictures: FeatureSet) -> Number:
    if pictures.logits is None:
        raise UsageError("these features have no classes for an Inception Score", hint="use --features inception")
    total = InceptionScore(len(pictures), splits=SPLITS, shuffle_seed=SEED)
    for block in blocks(pictures.logits):
        total.add(block)
    spread = total.result()
    return Number(
        value=spread.mean,
        count=len(pictures),
        sd=spread.sd,
        sd_over=f"{spread.count} splits",
        warning=small_parts_warning(len(pictures), SPLITS, pictures.logits.shape[1]),
    )
