"""Evaluations of generators that nobody trained: made-up scores, settings and curves."""

from __future__ import annotations

from typing import Any

from facesynth.evaluation.comparison.arms import with_arms
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.pictures.curves import SECONDS, Curve
from facesynth.evaluation.pictures.results import Halves, PictureEvaluation, Score
from facesynth.evaluation.pictures.subjects import PicturesSubject, RealSet

FRECHET = "frechet/tiny"
VALIDATION = f"validation/{FRECHET}"


def trained(
    arm: str,
    seed: int,
    value: float,
    *,
    images: int = 1000,
    seconds: float | None = None,
    data: str = "ab" * 32,
    moment: str = "finished",
    count: int = 100,
    protocol: str = "features: tiny",
    config: dict[str, Any] | None = None,
    **more: Any,
) -> PictureEvaluation:
    """One training's evaluation: a Fréchet distance of `value`, recall a hundredth of it."""
    told = {"name": f"{arm}-s{seed}", "seed": seed, "images": images, "seconds": seconds, "generator": {"width": arm}}
    halves = Halves(count=count // 2, real=1.0, generated=value + 1)
    scores = (
        Score(
            key=FRECHET, label="Fréchet distance over tiny", group="set", setting="pictures", value=value,
            better="lower", count=count, protocol=protocol, halves=halves, notes=("of made-up pictures",),
        ),
        Score(
            key="recall/tiny", label="recall over tiny", group="set", setting="pictures", value=value / 100,
            better="higher", count=count, protocol=protocol,
        ),
    )  # fmt: skip
    given: dict[str, Any] = {
        "subject": PicturesSubject(
            kind="generator", name=f"{arm}-s{seed}", size=(16, 16), count=count, sha256="cd" * 32, of_seeds=True
        ),
        "real": RealSet(data="images, part train", count=count, sizes=((16, 16),), digest="ef" * 32),
        "protocol": ("pictures of 16×16",),
        "scores": scores,
        "settings": {"training": {"config": told | (config or {}), "data": data, "moment": moment}},
    }
    return PictureEvaluation(**given | more)


def column(evaluation: PictureEvaluation, *curves: Curve) -> Column:
    return Column(evaluation.subject.name, f"runs/{evaluation.subject.name}", evaluation, tuple(curves))


def arms(*evaluations: PictureEvaluation) -> Comparison:
    return Comparison(with_arms(column(one) for one in evaluations))


def curves(seed: int, *, pace: float = 1.0, every: int = 100) -> tuple[Curve, ...]:
    """A distance that falls from image to image, and a clock that has ticked since."""
    at = tuple(float(step * every) for step in range(1, 6))
    falling = tuple(50 - step * 5 + float(seed) for step in range(1, 6))
    return (
        Curve(VALIDATION, at, falling),
        Curve(SECONDS, at, tuple(step * pace for step in range(1, 6))),
        Curve("loss/generator", at, (1.0, 0.9, 0.8, 0.7, 0.6)),
    )
