"""The folded generator as torch modules of plain operations, for what takes whole graphs: exporters and compilers.

The numbers of patterns are open, all else is fixed. `FoldedGenerator` computes the same and is faster under PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.folded_spade.folding import WINDOW, fold
from facesynth.models.folded_spade.generator import SLOPE, Rows, res_blocks, spade_layers
from facesynth.models.folded_spade.places import Neighbourhoods, Places
from facesynth.models.generator import SpadeGenerator
from facesynth.models.spade import Spade, SpadeResBlock


class PaintGraph(nn.Module):
    """From rows to the picture: what `FoldedGenerator.paint` computes."""

    def __init__(self, generator: SpadeGenerator, dtype: torch.dtype = torch.float32) -> None:
        """`dtype`: of the convolutions; in float32 the generator's own weights are held, not copies."""
        super().__init__()
        self._dtype = dtype
        self._styles, self._begin = generator.styles_of_blocks, generator.beginning
        self.blocks = nn.ModuleList(
            _PaintBlock(block, side, dtype) for block, side in zip(res_blocks(generator), generator.sides, strict=True)
        )
        self.picture = _plain(generator.picture, dtype)

    def forward(self, places: Mapping[int, Places], rows: Rows, style: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """1×3×S×S in -1..1, float32. Places have an index. `noise`: a field for each block, or none at all."""
        styles = self._styles(style)
        x = _as(self._begin(styles[0]), self._dtype)
        for number, (block, own) in enumerate(zip(self.blocks, rows, strict=True)):
            assert isinstance(block, _PaintBlock)
            x = block(x, places[block.side], own, styles[number][0], noise[number] if noise else None)
        picture: Tensor = _as(self.picture(F.leaky_relu(x, SLOPE)), torch.float32).tanh()
        return picture


class _PaintBlock(nn.Module):
    noise_0: Tensor | None
    noise_1: Tensor | None

    def __init__(self, block: SpadeResBlock, side: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.side = side
        self.conv_0, self.conv_1 = _plain(block.conv_0, dtype), _plain(block.conv_1, dtype)
        self.conv_s = None if block.conv_s is None else _plain(block.conv_s, dtype)
        self.affines = nn.ModuleList(
            nn.Identity() if layer.style is None else layer.style for layer in spade_layers(block)
        )
        self._styled = block.norm_0.style is not None
        for name, injection in (("noise_0", block.noise_0), ("noise_1", block.noise_1)):
            self.register_buffer(name, None if injection is None else injection.weight.detach().to(dtype))

    def forward(self, x: Tensor, places: Places, rows: Sequence[Tensor], style: Tensor, noise: Tensor | None) -> Tensor:
        if x.shape[-1] != self.side:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        shortcut = x if self.conv_s is None else self.conv_s(self._modulated(2, x, places, rows, style))
        y = self.conv_0(F.leaky_relu(self._modulated(0, x, places, rows, style), SLOPE))
        y = _noisy(y, self.noise_0, noise)
        y = self.conv_1(F.leaky_relu(self._modulated(1, y, places, rows, style), SLOPE))
        made: Tensor = shortcut + _noisy(y, self.noise_1, noise)
        return made

    def _modulated(self, layer: int, x: Tensor, places: Places, rows: Sequence[Tensor], style: Tensor) -> Tensor:
        assert places.index is not None
        channels, own = x.shape[1], rows[layer]
        if self._styled:
            affine = self.affines[layer](style)
            affine = _as(affine if affine.ndim == 1 else affine.index_select(0, places.labels), own.dtype)
            more = affine[..., :channels] + 1
            shift = own[:, channels:] * more + affine[..., channels:]
            own = torch.cat([own[:, :channels] * more, shift], dim=-1)
        wide = own.index_select(0, places.index).view(1, self.side, self.side, 2 * channels).permute(0, 3, 1, 2)
        return x * wide[:, :channels] + wide[:, channels:]


class RowsGraph(nn.Module):
    """From patterns to rows: what `FoldedSpade.rows` computes for each layer, in float32."""

    def __init__(self, generator: SpadeGenerator) -> None:
        super().__init__()
        blocks = zip(res_blocks(generator), generator.sides, strict=True)
        self._layers = [[_RowsLayer(layer, side) for layer in spade_layers(block)] for block, side in blocks]
        self.layers = nn.ModuleList(layer for block in self._layers for layer in block)

    def forward(self, patterns: Mapping[int, Neighbourhoods]) -> Rows:
        """For each block those of its layers, P×2C."""
        return [[layer(patterns[layer.side]) for layer in block] for block in self._layers]


class _RowsLayer(nn.Module):
    labels: Tensor
    starts: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, layer: Spade, side: int) -> None:
        super().__init__()
        numbers, self.side = fold(layer), side
        self.register_buffer("labels", numbers.labels)
        self.register_buffer("starts", torch.arange(WINDOW) * (len(numbers.labels) // WINDOW))
        self.register_buffer("weight", numbers.weight.permute(0, 2, 1).contiguous())  # 9×hidden×2C
        self.register_buffer("bias", numbers.bias)

    def forward(self, patterns: Neighbourhoods) -> Tensor:
        hidden = self.labels[patterns.inner + self.starts].sum(1).relu()
        total = None
        for place in range(WINDOW):  # one after the other: all nine at once would be nine times the memory
            part = hidden @ self.weight[place] + self.bias[place]
            part = torch.cat([part, torch.zeros_like(part[:1])])  # where the map ends
            found = part.index_select(0, patterns.outer[:, place])
            total = found if total is None else total + found
        assert total is not None
        return total


def _as(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Without the operation that a graph would have even where it changes nothing."""
    return x if x.dtype == dtype else x.to(dtype)


def _noisy(x: Tensor, weight: Tensor | None, noise: Tensor | None) -> Tensor:
    return x if weight is None or noise is None else x + weight * _as(noise, x.dtype)


def _plain(layer: nn.Module, dtype: torch.dtype) -> nn.Conv2d:
    """The convolution as it is now, without spectral normalisation."""
    weight, bias = layer.weight, getattr(layer, "bias", None)
    assert isinstance(weight, Tensor)
    out, inside, side, _ = weight.shape
    with torch.device("meta"):
        made = nn.Conv2d(inside, out, side, padding=side // 2, bias=bias is not None)
    made.weight = nn.Parameter(weight.detach().to(dtype), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().to(dtype), requires_grad=False)
    return made
