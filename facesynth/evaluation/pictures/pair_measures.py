"""What is measured of two pictures: likeness by pixels and by perception, whose face it is, style by region."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from facesynth.evaluation.pictures import region_style
from facesynth.evaluation.pictures.measures import Measure
from facesynth.inference.extractors.choice import DESCRIPTOR, Extractor
from facesynth.stages.pair_scores import PairScores

SSIM = Measure(
    key="ssim",
    label="SSIM",
    group="paired",
    better="higher",
    protocol="Wang et al. 2004, window 11, sigma 1.5, mean over RGB, by torchmetrics",
)
PSNR = Measure(
    key="psnr", label="PSNR", group="paired", better="higher", protocol="dB over RGB of 0..255, by torchmetrics"
)
IDENTITY = Measure(
    key="identity",
    label="face descriptor distance",
    group="identity",
    better="lower",
    protocol=f"Euclidean distance of 128 numbers by {DESCRIPTOR}; dlib calls two photos one person's below 0.6",
)
COLOUR = Measure(
    key="style_colour",
    label="style: colour distance",
    group="style",
    better="lower",
    protocol=region_style.PROTOCOL,
)
CONTRAST = replace(COLOUR, key="style_contrast", label="style: contrast distance")


def perceptual_measure(extractor: Extractor) -> Measure:
    """A perceptual distance between a picture and its photo: LPIPS by the field's networks, else by its own name."""
    published = extractor.is_published and extractor.is_lpips
    return Measure(
        key=extractor.name if published else f"perceptual/{extractor.name}",
        label=extractor.called(f"LPIPS ({extractor.name.removeprefix('lpips-')})", "perceptual distance"),
        group="paired",
        better="lower",
        protocol=extractor.protocol + ("" if published else "; not LPIPS"),
    )


def pair_measures(extractors: Sequence[Extractor], *, identity: bool) -> list[Measure]:
    """All that is measured of a painted picture and its photo, in the order it is shown in."""
    likeness = [*map(perceptual_measure, extractors), SSIM, PSNR]
    return [*likeness, COLOUR, CONTRAST, *([IDENTITY] if identity else [])]


def diversity_measure(extractor: Extractor) -> Measure:
    """The mean pairwise perceptual distance of the pictures of one label map, by seed."""
    distance = perceptual_measure(extractor)
    return Measure(
        key=f"diversity/{extractor.name}",
        label=f"diversity: {distance.label}",
        group="diversity",
        better="higher",
        protocol=f"mean over label maps of the mean over all pairs of seeds; {distance.protocol}",
        counted="label maps",
    )


def scores_of(found: PairScores, extractors: Sequence[Extractor], *, identity: bool) -> dict[str, float | None]:
    """A pair's scores by key; None for equal pictures' PSNR, which is infinite, and where no face was found."""
    scores: dict[str, float | None] = {}
    if found.ssim is not None:
        scores[SSIM.key] = found.ssim
    if found.psnr is not None:
        scores[PSNR.key] = None if math.isinf(found.psnr) else found.psnr
    for extractor in extractors:
        scores[perceptual_measure(extractor).key] = found.perceptual[extractor.name]
    if identity:
        scores[IDENTITY.key] = found.identity
    return scores


def why_without(measure: Measure, count: int) -> tuple[str, ...]:
    """What has to be said of pictures that a measure has no score for."""
    if not count:
        return ()
    if measure is PSNR:
        return (f"{count} pictures equal their photo: infinite, not in the mean",)
    if measure is IDENTITY:
        return (f"no face found in {count} pairs: not in the mean",)
    return (f"{count} pictures without one: not in the mean",)
