"""What is measured of two pictures: likeness by pixels and by perception, whose face it is, style by region."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from facesynth.evaluation.pictures import region_style
from facesynth.evaluation.pictures.measures import Measure
from facesynth.inference.extractors.choice import DESCRIPTOR, Extractor, library_version
from facesynth.stages.pair_scores import LIBRARY, MEASURES, Likeness

SSIM = Measure(
    key="ssim",
    label="SSIM",
    group="paired",
    better="higher",
    protocol="Wang et al. 2004, window 11, sigma 1.5, mean over RGB and the windows inside, Gaussian filter",
)
PSNR = Measure(key="psnr", label="PSNR", group="paired", better="higher", protocol="dB over RGB of 0..255")
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


@dataclass(frozen=True, slots=True)
class PairScores:
    """How near two pictures are: `likeness` by MEASURES, `perceptual` distances by name, each with what was asked for.

    `identity` is the Euclidean distance of the two face descriptors, None where it was not asked for or a face is not
    found.
    """

    likeness: Mapping[str, float] = field(default_factory=dict)
    perceptual: Mapping[str, float] = field(default_factory=dict)
    identity: float | None = None


def likeness_measure(name: Likeness) -> Measure:
    """SSIM or PSNR, with what computes it here. Raises DependencyMissing."""
    measure, package = {"ssim": SSIM, "psnr": PSNR}[name], LIBRARY[name]
    return replace(measure, protocol=f"{measure.protocol} by {package} {library_version(package)}")


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
    likeness = [*map(perceptual_measure, extractors), *map(likeness_measure, MEASURES)]
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
    scores: dict[str, float | None] = {
        name: None if math.isinf(value) else value for name, value in found.likeness.items()
    }
    for extractor in extractors:
        scores[perceptual_measure(extractor).key] = found.perceptual[extractor.name]
    if identity:
        scores[IDENTITY.key] = found.identity
    return scores


def why_without(measure: Measure, count: int) -> tuple[str, ...]:
    """What has to be said of pictures that a measure has no score for."""
    if not count:
        return ()
    if measure.key == PSNR.key:
        return (f"{count} pictures equal their photo: infinite, not in the mean",)
    if measure.key == IDENTITY.key:
        return (f"no face found in {count} pairs: not in the mean",)
    return (f"{count} pictures without one: not in the mean",)
