"""The random numbers of one step that styles are made of: posterior noise, regions left out, codes that cross over.

Mixing regularisation (Karras et al. 2019, section 3.1; the face paper plans it "to make neighboring styles less
correlated"): some pictures are painted in two styles, one up to a random depth and the other from there on, so that no
block may take the style of the blocks before it for granted. There both are drawn from the prior; here one is the
photo's and the other the prior's, in either order, which also shows the discriminators what seeds will give. Such a
picture is no picture of the photo any more and is not compared with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from facesynth.core.region_prior import RegionPrior
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.sampling import generator_at
from facesynth.training.spade.region_prior import related

_STYLE, _CROSSING, _OTHER, _DROPPING = 1, 6, 7, 8  # streams of random numbers; the others are the batch's and the job's


class StyleDraws(NamedTuple):
    """Random numbers for the styles of N pictures. A tuple, since Fabric takes no frozen dataclass apart."""

    normal: Tensor  # N(0, 1): N×style_channels, or N×labels×style_channels
    noise: Sequence[Tensor]  # N×1×side×side for each of the generator's noise_sides
    kept: Tensor | None = None  # N×labels bool: which regions' styles are not dropped; None without regions
    other: Tensor | None = None  # the other style, as `normal`; None without mixing
    crossed: Tensor | None = None  # N×blocks bool: which blocks paint in the other style

    @property
    def own(self) -> Tensor | None:
        """N bool: which pictures are painted in their own style throughout; None for all."""
        return None if self.crossed is None else ~self.crossed.any(1)


def style_draws(
    config: SpadeRun, nimg: int, count: int, *, sides: Sequence[int], blocks: int, device: torch.device
) -> StyleDraws:
    """Return the draws for the step that starts at image `nimg`: a pure function of the run's seed."""
    generator = generator_at(config.seed, nimg, device, stream=_STYLE)
    normal = _styles(config, count, generator, device)
    noise = [torch.randn(count, 1, side, side, generator=generator, device=device) for side in sides]
    kept = other = crossed = None
    if config.generator.style_regions:
        chances = generator_at(config.seed, nimg, stream=_DROPPING)
        kept = torch.rand(count, config.generator.labels, generator=chances) >= config.region_dropping
        kept = kept.to(device, non_blocking=True)
    if config.style_mixing:
        chances = generator_at(config.seed, nimg, stream=_CROSSING)
        crossed = _crossed(count, blocks, config.style_mixing, chances).to(device, non_blocking=True)
        other = _styles(config, count, generator_at(config.seed, nimg, device, stream=_OTHER), device)
    return StyleDraws(normal, noise, kept, other, crossed)


def of_blocks(style: Tensor, draws: StyleDraws) -> Tensor | list[Tensor]:
    """The styles that a generator's blocks take: one for all, or one each where some cross over."""
    if draws.other is None or draws.crossed is None:
        return style
    chosen = draws.crossed.view(*draws.crossed.shape, *[1] * (style.ndim - 1))
    return [torch.where(block, draws.other, style) for block in chosen.unbind(1)]


def _styles(config: SpadeRun, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Styles from the generator's prior."""
    spec = config.generator
    if not spec.style_regions:
        return torch.randn(count, spec.style_channels, generator=generator, device=device)
    normal = torch.randn(count, spec.labels + 2, spec.style_channels, generator=generator, device=device)
    return related(normal, RegionPrior(spec.labels, spec.region_correlation, spec.face_correlation))


def _crossed(count: int, blocks: int, probability: float, generator: torch.Generator) -> Tensor:
    """N×blocks bool: some rows change once, at a random depth after the first block; the others are False."""
    mixed = torch.rand(count, generator=generator) < probability
    depth = torch.randint(1, blocks, (count,), generator=generator)
    begins_other = torch.rand(count, generator=generator) < 0.5
    deep = torch.arange(blocks)[None, :] >= depth[:, None]
    return mixed[:, None] & (deep != begins_other[:, None])
