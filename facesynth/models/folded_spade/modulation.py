"""One SPADE layer with its batch normalisation folded in: `scale·x + shift`, a row of both for each pattern."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.folded_spade.convolution import PackedConvolution
from facesynth.models.folded_spade.places import Neighbourhoods, Places
from facesynth.models.spade import Spade

_AT_ONCE = 64
"""3×3 patterns in one matrix product: always so many, so that what comes with a pattern changes none of its bits."""
_CHUNK_BYTES = 1 << 20
"""Of scales and shifts looked up at once: they stay in a core's cache until they are used."""
_WINDOW = 9
_MIDDLE = _WINDOW // 2


class FoldedSpade:
    """`(1 + γ)·x̂ + β` of a layer in evaluation mode as `scale·x + shift`; C scales and C shifts to a row.

    A 5×5 pattern's row is the sum of nine that its 3×3 patterns have, one for each place in the second convolution;
    of those there are far fewer.
    """

    def __init__(self, layer: Spade, dtype: torch.dtype) -> None:
        """`dtype`: of the rows, and of the products that make them."""
        normalise = layer.normalise
        assert isinstance(normalise, nn.BatchNorm2d)
        assert normalise.running_mean is not None and normalise.running_var is not None
        deviation = (normalise.running_var + normalise.eps).rsqrt()
        mean = -normalise.running_mean * deviation  # x̂ = x·deviation + mean
        self._layer, self.dtype, self._deviation, self._mean = layer, dtype, deviation, mean
        self.style = layer.style
        hidden, labels, *_ = layer.shared.weight.shape
        table = layer.shared.weight.new_zeros(_WINDOW, labels + 1, hidden)  # the last: where the map ends
        table[:, :-1] = layer.shared.weight.permute(2, 3, 1, 0).flatten(0, 1)
        assert layer.shared.bias is not None
        table[_MIDDLE, :-1] += layer.shared.bias  # the middle of a window is always in the map
        self._labels = table.flatten(0, 1)
        self._starts = torch.arange(_WINDOW, device=table.device) * (labels + 1)
        gamma, beta = layer.gamma_beta.weight.chunk(2)
        wide = (deviation[:, None, None, None], mean[:, None, None, None])
        weight = torch.cat([gamma * wide[0], gamma * wide[1] + beta])  # 2C×hidden×3×3
        flat = weight.permute(2, 3, 0, 1).reshape(-1, hidden, 1, 1)
        assert layer.gamma_beta.bias is not None
        bias = weight.new_zeros(_WINDOW, len(weight))
        bias[_MIDDLE] = self._folded(*layer.gamma_beta.bias.chunk(2))
        self._product = PackedConvolution(flat.to(dtype), bias.flatten().to(dtype), 1, _AT_ONCE)
        self.wide = len(weight)

    def rows(self, patterns: Neighbourhoods) -> Tensor:
        """P×2C. A pattern's row is the same to the bit whatever patterns come with it."""
        count = len(patterns.inner)
        hidden = F.embedding_bag(patterns.inner + self._starts, self._labels, mode="sum")
        padded = hidden.new_zeros(-(-count // _AT_ONCE) * _AT_ONCE, hidden.shape[1], dtype=self.dtype)
        padded[:count] = hidden.relu_()
        parts = padded.new_empty(len(padded) + 1, _WINDOW, self.wide)
        for start in range(0, count, _AT_ONCE):
            some = padded[start : start + _AT_ONCE]
            made = self._product(some[None, None].permute(0, 3, 1, 2))
            parts[start : start + _AT_ONCE] = made.permute(0, 2, 3, 1).view(_AT_ONCE, _WINDOW, self.wide)
        parts[count] = 0  # where the map ends the second convolution sees zeros
        places = patterns.outer * _WINDOW + torch.arange(_WINDOW, device=patterns.outer.device)
        return F.embedding_bag(places, parts.flatten(0, 1), mode="sum")

    def dense_rows(self, label_map: Tensor) -> Tensor:
        """The textbook's two convolutions: 1×labels×H×W one-hot → H·W×2C, a row for each pixel."""
        gamma_beta = self._layer.gamma_beta(F.relu(self._layer.shared(label_map)))
        flat = gamma_beta.permute(0, 2, 3, 1).flatten(0, 2)
        return self._folded(*flat.chunk(2, dim=-1)).to(self.dtype)

    def _folded(self, gamma: Tensor, beta: Tensor) -> Tensor:
        scale = gamma + 1
        return torch.cat([scale * self._deviation, scale * self._mean + beta], dim=-1)

    def styled(self, rows: Tensor, style: Tensor, places: Places) -> Tensor:
        """Rows with a style's own scale and shift after them: `style` is style_channels, or labels×style_channels."""
        if self.style is None:
            return rows
        affine: Tensor = self.style(style).to(rows.dtype)
        more = affine if affine.ndim == 1 else affine.index_select(0, places.labels)
        (scale, shift), (more_scale, more_shift) = rows.chunk(2, dim=-1), (more + 0).chunk(2, dim=-1)
        more_scale += 1
        made = torch.empty_like(rows)
        torch.mul(scale, more_scale, out=made[:, : scale.shape[1]])
        torch.addcmul(more_shift.expand_as(shift), shift, more_scale, out=made[:, scale.shape[1] :])
        return made


def modulated(x: Tensor, rows: Tensor, places: Places, slope: float | None) -> Tensor:
    """`scale·x + shift` of each pixel, 1×C×side×side channels last; `slope` of a leaky ReLU after it, if any.

    An x of a half or a quarter of the side … is scaled up to it by its nearest pixels on the way.
    """
    side, channels = places.side, x.shape[1]
    low = x.permute(0, 2, 3, 1)[0]
    step = side // low.shape[0]
    out = x.new_empty(side, side, channels)
    lines = max(1, _CHUNK_BYTES // (side * rows.shape[1] * rows.element_size() * step)) * step
    for start in range(0, side, lines):
        end = min(start + lines, side)
        if places.index is None:
            both = rows[start * side : end * side]
        else:
            both = rows.index_select(0, places.index[start * side : end * side])
        shape = ((end - start) // step, step, low.shape[1], step, channels)
        scale, shift = both.view(*shape[:-1], 2 * channels).chunk(2, dim=-1)
        part = out[start:end]
        torch.addcmul(shift, low[start // step : end // step, None, :, None], scale, out=part.view(shape))
        if slope is not None:
            F.leaky_relu_(part, slope)
    return out.permute(2, 0, 1)[None]
