"""The whole generator, folded: label map, style and noise of one face in, its picture out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.folded_spade.convolution import PackedConvolution
from facesynth.models.folded_spade.modulation import FoldedSpade, modulated
from facesynth.models.folded_spade.places import Places
from facesynth.models.folded_spade.winograd import WinogradConvolution
from facesynth.models.generator import SpadeGenerator
from facesynth.models.spade import NoiseInjection, Spade, SpadeResBlock

SLOPE = 0.2
_WINOGRAD = MappingProxyType({4: range(32, 129), 2: range(16, 129)})
"""At which sides Winograd's way takes less time, by what its tiles make: half at 32×32, 4/5 at 128×128, as measured."""
_WIDE = 256
"""Channels from which on it does. In bf16 it gains a tenth, for a third more error."""
Rows = Sequence[Sequence[Tensor]]
"""For each block those of its layers, in the order of `spade_layers`."""


@dataclass(frozen=True, slots=True)
class BlockLayers:
    """The SPADE layers of a residual block, those of its two convolutions and of its shortcut if it learned one."""

    side: int
    layers: Sequence[FoldedSpade]


def folded_layers(generator: SpadeGenerator, dtype: torch.dtype) -> list[BlockLayers]:
    """Those of each block, as they are now; `dtype` is that of their rows."""
    return [
        BlockLayers(side, [FoldedSpade(layer, dtype) for layer in spade_layers(block)])
        for block, side in zip(res_blocks(generator), generator.sides, strict=True)
    ]


def res_blocks(generator: SpadeGenerator) -> list[SpadeResBlock]:
    """The blocks of a generator, by their class."""
    return [block for block in generator.blocks if isinstance(block, SpadeResBlock)]


def spade_layers(block: SpadeResBlock) -> list[Spade]:
    """In the order in which `Rows` have them."""
    return [block.norm_0, block.norm_1, *([] if block.norm_s is None else [block.norm_s])]


class FoldedBlock:
    """A residual block at one side."""

    def __init__(self, block: SpadeResBlock, own: BlockLayers, dtype: torch.dtype) -> None:
        self.side, self.layers = own.side, own.layers
        side = own.side
        self._conv_0, self._conv_1 = (_packed(each, side, dtype) for each in (block.conv_0, block.conv_1))
        self._conv_s = None if block.conv_s is None else _packed(block.conv_s, side, dtype)
        self._noise = [_noise_weight(each, dtype) for each in (block.noise_0, block.noise_1)]

    def __call__(self, x: Tensor, places: Places, rows: Sequence[Tensor], noise: Tensor | None) -> Tensor:
        """1×in×s×s → 1×out×side×side, both channels last, s a side whose double is the block's or the same.

        What is given may be overwritten.
        """
        y = self._conv_0(modulated(x, rows[0], places, SLOPE))
        if self._conv_s is not None:
            total = self._conv_s(modulated(x, rows[2], places, None))
        elif x.shape[-1] != self.side:
            total = F.interpolate(x, (self.side, self.side), mode="nearest")
        else:
            total = x
        for each, weight in zip((y, total), self._noise, strict=True):
            if weight is not None and noise is not None:
                each.addcmul_(noise.to(each.dtype), weight)
        return self._conv_1.added_to(total, modulated(y, rows[1], places, SLOPE))


class FoldedGenerator:
    """What a SpadeGenerator in evaluation mode paints, one face at a time, from rows made before.

    It has copies of the convolutions' weights in `dtype`, and follows no later change of the generator.
    """

    def __init__(self, generator: SpadeGenerator, layers: Sequence[BlockLayers], dtype: torch.dtype) -> None:
        """`layers`: those that `folded_layers` makes, whose rows are of the same `dtype`."""
        self._style, self._begin = generator.styles_of_blocks, _Beginning(generator, dtype)
        self.blocks = [FoldedBlock(block, own, dtype) for block, own in zip(res_blocks(generator), layers, strict=True)]
        self._picture = _packed(generator.picture, generator.spec.size, dtype)

    def paint(
        self,
        places: Mapping[int, Places],
        rows: Rows,
        style: Tensor | Sequence[Tensor],
        noise: Sequence[Tensor] | None,
    ) -> Tensor:
        """1×3×S×S in -1..1, float32. `style` and `noise` as `SpadeGenerator` takes them, of one face."""
        styles = self._style(style)
        x = self._begin(styles[0])
        for index, (block, own) in enumerate(zip(self.blocks, rows, strict=True)):
            place = places[block.side]
            styled = [
                layer.styled(each, styles[index][0], place) for layer, each in zip(block.layers, own, strict=True)
            ]
            x = block(x, place, styled, noise[index] if noise else None)
        return self._picture(F.leaky_relu_(x, SLOPE)).float().tanh()


class _Beginning:
    """`SpadeGenerator.beginning` in `dtype`, with its weights in the order of channels last."""

    def __init__(self, generator: SpadeGenerator, dtype: torch.dtype) -> None:
        start = generator.spec.start
        first = generator.first
        made = generator.constant[:, None] if first is None else first.weight
        rows = made.detach().to(dtype).view(-1, start**2, made.shape[1]).transpose(0, 1)
        self._side, self._weight = start, rows.reshape(-1, made.shape[1])  # pixels·channels×style_channels
        self._bias: Tensor | None = None
        if first is not None:
            self._bias = first.bias.detach().to(dtype).view(-1, start**2).t().reshape(-1)

    def __call__(self, style: Tensor) -> Tensor:
        """The first block's style, one for the face → 1×channels×start×start, channels last."""
        if self._bias is None:
            made = self._weight.clone()  # who is given it may overwrite it
        else:
            made = F.linear(style.to(self._weight.dtype), self._weight, self._bias)
        return made.view(1, self._side, self._side, -1).permute(0, 3, 1, 2)


def _packed(layer: nn.Module, side: int, dtype: torch.dtype) -> PackedConvolution | WinogradConvolution:
    bias = layer.get_parameter("bias").detach().to(dtype) if getattr(layer, "bias", None) is not None else None
    weight = layer.weight  # with spectral normalisation it is no parameter
    assert isinstance(weight, Tensor)
    weight = weight.detach().to(dtype)
    _, inside, height, _ = weight.shape
    made = next((made for made, sides in _WINOGRAD.items() if side in sides and side % made == 0), None)
    if made is None or height != 3 or inside < _WIDE or dtype != torch.float32:
        return PackedConvolution(weight, bias, side, side)
    return WinogradConvolution(weight, bias, side, made)


def _noise_weight(injection: NoiseInjection | None, dtype: torch.dtype) -> Tensor | None:
    return None if injection is None else injection.weight.detach().to(dtype)
