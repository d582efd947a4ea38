"""Styles as what a generator takes: codes, what is missing in them, and noise."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facesynth.core.region_prior import RegionPrior
from facesynth.core.styles import CodeSource, RegionsSource, SeedSource, Source, Style
from facesynth.models.specs import GeneratorSpec

_NOISE_STREAM = 1
_FACE_NOISE = 0


def style_code(style: Style, spec: GeneratorSpec) -> NDArray[np.float32]:
    """The style of a whole face as a weighted sum of its sources: `style_channels` float32."""
    z = np.zeros(spec.style_channels, dtype=np.float32)
    for weight, source in _as_strong(style.components):
        assert not isinstance(source, RegionsSource)  # `Style.require` has refused it
        z += np.float32(weight) * (source.vector if isinstance(source, CodeSource) else _drawn(source, spec))
    return z


def region_codes(style: Style, spec: GeneratorSpec) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The style of each region as a weighted sum of its sources, labels×style_channels float32, and what is missing.

    The latter, one float32 a label, is the weight of the sources that know nothing of the region.
    """
    z = np.zeros((spec.labels, spec.style_channels), dtype=np.float32)
    missing = np.zeros(spec.labels, dtype=np.float32)
    every = {source: _regions(source, spec) for _, source in style.components}
    for weight, source in _as_strong(style.components):
        z += np.float32(weight) * every[source][0]
        missing += np.float32(weight) * every[source][1]
    for label, parts in style.regions:
        z[label], missing[label] = 0, 0
        for weight, source in _as_strong(parts):
            codes, lacking = every.get(source) or _regions(source, spec)
            z[label] += np.float32(weight) * codes[label]
            missing[label] += np.float32(weight) * lacking[label]
    return z, missing


def noise_fields(style: Style, sides: Sequence[int]) -> list[NDArray[np.float32]]:
    """One side×side field of noise for each of the sides.

    A face's style has the noise of seed 0: without any, pictures are smoother than all that training saw. A mix of
    noises is brought back to the strength of one. Regions with a style of their own share the face's noise, so that
    they change nothing elsewhere.
    """
    shares: dict[int, float] = defaultdict(float)
    for weight, source in style.components:
        shares[source.seed if isinstance(source, SeedSource) else _FACE_NOISE] += weight
    noise = [np.zeros((side, side), dtype=np.float32) for side in sides]
    strength = math.hypot(*shares.values()) or 1.0
    for seed, weight in shares.items() if noise else ():
        draw = np.random.default_rng([seed, _NOISE_STREAM])
        for field in noise:
            field += np.float32(weight / strength) * draw.standard_normal(field.shape, dtype=np.float32)
    return noise


def _as_strong(parts: Sequence[tuple[float, Source]]) -> list[tuple[float, Source]]:
    """The sum with its seeds together as strong as one of their weight.

    Each is a draw of a Gaussian; their weighted mean is one of a narrower Gaussian, near everybody's average. Painted
    at its strength, the middle of two seeds is as far from photos as seeds are (Fréchet distance over the judge's
    features 203 and 210, on 74 label maps); as the mean, further (217).
    """
    seeds = [weight for weight, source in parts if isinstance(source, SeedSource)]
    more = math.fsum(seeds) / math.hypot(*seeds) if seeds else 1.0
    return [(weight * more if isinstance(source, SeedSource) else weight, source) for weight, source in parts]


def _regions(source: Source, spec: GeneratorSpec) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One source's codes, labels×style_channels, and which labels it lacks (1 or 0 each)."""
    if isinstance(source, SeedSource):
        return _drawn_regions(source, spec), np.zeros(spec.labels, dtype=np.float32)
    assert isinstance(source, RegionsSource)
    codes = np.zeros((spec.labels, spec.style_channels), dtype=np.float32)
    missing = np.ones(spec.labels, dtype=np.float32)
    for label, vector in source.vectors.items():
        codes[label], missing[label] = vector, 0
    return codes, missing


def _drawn(source: SeedSource, spec: GeneratorSpec) -> NDArray[np.float32]:
    return np.random.default_rng(source.seed).standard_normal(spec.style_channels, dtype=np.float32)


def _drawn_regions(source: SeedSource, spec: GeneratorSpec) -> NDArray[np.float32]:
    """A draw of the prior, from the seed alone: a label has the same code in all label maps."""
    prior = RegionPrior(spec.labels, spec.region_correlation, spec.face_correlation)
    shape = (spec.labels + 2, spec.style_channels)
    draws = np.random.default_rng(source.seed).standard_normal(shape, dtype=np.float32)
    own, bare = prior.own[:, None] * draws[1:-1], prior.bare[:, None] * draws[-1:]
    codes: NDArray[np.float32] = np.float32(prior.shared) * draws[:1] + own + bare
    return codes
