"""The SPADE generator (Park et al. 2019, figure 4 and appendix A): label map and style in, picture out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.pattern_spade.finding import BatchPatterns
from facesynth.models.region_styles import RegionStyles
from facesynth.models.spade import SpadeResBlock
from facesynth.models.specs import GeneratorSpec

_PATTERNS_FROM = 64
"""The side from which on patterns of labels are looked for: a third of its pixels see another, at 32×32 two thirds."""


class SpadeGenerator(nn.Module):
    """One-hot label map N×labels×S×S and style → picture N×3×S×S in -1..1.

    A style is N×style_channels, or with `spec.style_regions` N×labels×style_channels. The first layer, four to eight
    pixels wide, then takes none but is learned (Karras et al. 2019, section 2): its pixels each become a part of every
    region, so that a summary of the styles there would let the hair's style change the skin.

    NVlabs/SPADE's layout: seven residual blocks, the first three at full width, then half the width at each doubling;
    `size / start` = 2^5 is its "normal", 2^6 its "more" and 2^7 its "most" upsampling (with an eighth block).

    With `find_patterns` γ and β are computed once for each pattern of labels that it finds in ids N×H×W, from 64×64 on;
    see `pattern_spade`. That is for label maps which are one-hot in fact, with one label at each pixel.
    """

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.find_patterns: Callable[[Tensor, int], BatchPatterns] | None = None
        doublings = (spec.size // spec.start).bit_length() - 1
        widths = [min(spec.width * factor, spec.max_width) for factor in (16, 16, 16, 16, 8, 4, 2, 1)]
        if doublings == 7:
            widths.append(spec.width // 2)
        # Each block's side as a multiple of start. "normal" keeps the side between its two middle blocks.
        self.sides = [spec.start << shift for shift in _shifts(doublings, len(widths) - 1)]
        self.first: nn.Linear | None = None
        self.regions: RegionStyles | None = None
        if spec.style_regions:
            self.regions = RegionStyles(spec.labels, spec.style_channels)
            self.constant = nn.Parameter(torch.randn(widths[0] * spec.start**2))
        else:
            self.first = nn.Linear(spec.style_channels, widths[0] * spec.start**2)
        self.blocks = nn.ModuleList(
            SpadeResBlock(
                channels_in,
                channels_out,
                labels=spec.labels,
                hidden=spec.spade_hidden,
                style_channels=spec.style_channels if spec.style_affine else None,
                spectral=spec.spectral,
                noise=spec.noise,
            )
            for channels_in, channels_out in pairwise(widths)
        )
        self.picture = nn.Conv2d(widths[-1], 3, 3, padding=1)

    @property
    def noise_sides(self) -> list[int]:
        """The side of the noise field that each block takes; empty without noise."""
        return list(self.sides) if self.spec.noise else []

    def forward(
        self, label_map: Tensor, style: Tensor | Sequence[Tensor], noise: Sequence[Tensor] | None = None
    ) -> Tensor:
        """`style`: one for all blocks, or one for each of `blocks` (the first layer takes the first block's).

        `noise`: one N×1×side×side field for each of `noise_sides`, or None for none.
        """
        styles = self.styles_of_blocks(style)
        x = self.beginning(styles[0]).contiguous(memory_format=torch.channels_last)
        scaled: dict[int, Tensor | BatchPatterns] = {}
        for index, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if x.shape[-1] != side:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            if side not in scaled:
                scaled[side] = self._scaled(label_map, side)
            x = block(x, scaled[side], styles[index], None if noise is None or not self.spec.noise else noise[index])
        return torch.tanh(self.picture(F.leaky_relu(x, 0.2)))

    def _scaled(self, label_map: Tensor, side: int) -> Tensor | BatchPatterns:
        planes = F.interpolate(label_map, (side, side), mode="nearest")
        if self.find_patterns is None or side < _PATTERNS_FROM:
            return planes
        return self.find_patterns(planes.argmax(1), self.spec.labels)

    def styles_of_blocks(self, style: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
        """One style a block, those of regions as their labels read them."""
        read: nn.Module = nn.Identity() if self.regions is None else self.regions
        if isinstance(style, Tensor):
            return [read(style)] * len(self.blocks)
        if len(style) != len(self.blocks):
            raise ValueError(f"{len(style)} styles for {len(self.blocks)} blocks")
        return [read(each) for each in style]

    def beginning(self, style: Tensor) -> Tensor:
        """What the first block is given, N×channels×start×start, of the first block's style."""
        start = self.spec.start
        if self.first is None:
            return self.constant.view(1, -1, start, start).expand(len(style), -1, -1, -1)
        first: Tensor = self.first(style)
        return first.view(len(style), -1, start, start)


def _shifts(doublings: int, blocks: int) -> list[int]:
    return [0, 1, 1, *range(2, blocks - 1)] if doublings == 5 else list(range(blocks))
