"""One SPADE layer with its batch normalisation folded in: `scale·x + shift`, a row of both for each pattern."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.models.folded_spade.convolution import PackedConvolution
from facesynth.models.folded_spade.folding import WINDOW, fold
from facesynth.models.folded_spade.places import Neighbourhoods, Places
from facesynth.models.spade import Spade

_AT_ONCE = 64
"""3×3 patterns in one matrix product: always so many, so that what comes with a pattern changes none of its bits."""
_CHUNK_BYTES = 1 << 20
"""Of scales and shifts looked up at once: they stay in a core's cache until they are used."""


class FoldedSpade:
    """`(1 + γ)·x̂ + β` of a layer in evaluation mode as `scale·x + shift`; C scales and C shifts to a row.

    A 5×5 pattern's row is the sum of nine that its 3×3 patterns have, one for each place in the second convolution;
    of those there are far fewer.
    """

    def __init__(self, layer: Spade, dtype: torch.dtype) -> None:
        """`dtype`: of the rows, and of the products that make them."""
        numbers = fold(layer)
        self._layer, self.dtype, self.style = layer, dtype, layer.style
        self._labels, self._norm = numbers.labels, numbers.norm
        self._starts = torch.arange(WINDOW, device=self._labels.device) * (len(self._labels) // WINDOW)
        flat = numbers.weight.flatten(0, 1)[:, :, None, None]
        self._product = PackedConvolution(flat.to(dtype), numbers.bias.flatten().to(dtype), 1, _AT_ONCE)
        self.wide = numbers.bias.shape[1]

    def rows(self, patterns: Neighbourhoods) -> Tensor:
        """P×2C. A pattern's row is the same to the bit whatever patterns come with it."""
        count = len(patterns.inner)
        hidden = F.embedding_bag(patterns.inner + self._starts, self._labels, mode="sum")
        padded = hidden.new_zeros(-(-count // _AT_ONCE) * _AT_ONCE, hidden.shape[1], dtype=self.dtype)
        padded[:count] = hidden.relu_()
        parts = padded.new_empty(len(padded) + 1, WINDOW, self.wide)
        for start in range(0, count, _AT_ONCE):
            some = padded[start : start + _AT_ONCE]
            made = self._product(some[None, None].permute(0, 3, 1, 2))
            parts[start : start + _AT_ONCE] = made.permute(0, 2, 3, 1).view(_AT_ONCE, WINDOW, self.wide)
        parts[count] = 0  # where the map ends the second convolution sees zeros
        places = patterns.outer * WINDOW + torch.arange(WINDOW, device=patterns.outer.device)
        return F.embedding_bag(places, parts.flatten(0, 1), mode="sum")

    def dense_rows(self, label_map: Tensor) -> Tensor:
        """The textbook's two convolutions: 1×labels×H×W one-hot → H·W×2C, a row for each pixel."""
        gamma_beta = self._layer.gamma_beta(F.relu(self._layer.shared(label_map)))
        flat = gamma_beta.permute(0, 2, 3, 1).flatten(0, 2)
        return self._norm.folded(*flat.chunk(2, dim=-1)).to(self.dtype)

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
