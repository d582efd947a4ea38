"""What SPADE's layers scale and shift by, a row for each pattern; and x̂ modulated by the rows of its pixels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from facesynth.models.pattern_spade.finding import BatchPatterns

_AT_ONCE = 1 << 14
"""Pixels whose rows are looked up at once on a CPU: they stay in its cache until they are used."""


def gamma_beta_rows(patterns: BatchPatterns, shared: nn.Conv2d, gamma_beta: nn.Conv2d) -> Tensor:
    """γ and β of each row: R×2C, of the layer's two 3×3 convolutions from one-hot labels."""
    hidden = F.relu(_embedded(patterns.inner, shared))
    around = F.embedding(patterns.outer, F.pad(hidden, (0, 0, 0, 1))).flatten(1)  # a hidden value outside is zero
    weight = gamma_beta.weight.permute(0, 2, 3, 1).flatten(1)
    return F.embedding(patterns.pattern, exact(F.linear(around, weight, gamma_beta.bias)))


def exact(x: Tensor) -> Tensor:
    """In float32, or float64 where it is."""
    return x if x.dtype == torch.float64 else x.float()


def modulated(x: Tensor, scale: Tensor, shift: Tensor, patterns: BatchPatterns) -> Tensor:
    """`scale·x + shift` with the rows R×C of its pixels: N×C×H×W, channels last."""
    rows = torch.cat([scale, shift], dim=1).to(x.dtype)
    result: Tensor = _Modulated.apply(x, rows, patterns.index)
    return result


def _embedded(inner: Tensor, shared: nn.Conv2d) -> Tensor:
    """What a 3×3 convolution makes of one-hot labels K×9, `labels` being a pixel without any: K×channels."""
    channels, labels = shared.weight.shape[:2]
    table = F.pad(shared.weight.permute(2, 3, 1, 0).flatten(0, 1), (0, 0, 0, 1)).flatten(0, 1)
    taps = torch.arange(9, device=inner.device) * (labels + 1)
    summed = F.embedding(inner + taps, table.view(-1, channels)).sum(1)
    return summed if shared.bias is None else summed + shared.bias


class _Modulated(torch.autograd.Function):
    """x N×C×H×W, rows R×2C (scale, then shift) and the row of each pixel → `scale·x + shift`.

    Neither scale nor shift is kept for each pixel: backward looks them up again. A row's gradient is the sum over its
    pixels, in float32 whatever x is: in bf16 a sum over thousands would stand still.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor, index: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        flat = x.permute(0, 2, 3, 1).reshape(-1, channels)
        made = torch.empty_like(flat)
        for part in _parts(flat):
            looked_up = rows.index_select(0, index[part])
            torch.addcmul(looked_up[:, channels:], flat[part], looked_up[:, :channels], out=made[part])
        ctx.save_for_backward(flat, rows, index)
        ctx.shape = x.shape
        return made.view(count, height, width, channels).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        flat, rows, index = ctx.saved_tensors
        count, channels, height, width = ctx.shape
        dy = gradient.permute(0, 2, 3, 1).reshape(-1, channels)
        dx, both = torch.empty_like(flat), exact(flat.new_empty(0)).new_empty(len(flat), 2 * channels)
        for part in _parts(flat):
            torch.mul(dy[part], rows[:, :channels].index_select(0, index[part]), out=dx[part])
            both[part, channels:] = dy[part]
            torch.mul(both[part, channels:], exact(flat[part]), out=both[part, :channels])
        summed = torch.ops.aten.embedding_dense_backward(both, index, len(rows), -1, False)
        return dx.view(count, height, width, channels).permute(0, 3, 1, 2), summed.to(rows.dtype), None


def _parts(flat: Tensor) -> list[slice]:
    step = _AT_ONCE if flat.device.type == "cpu" else max(1, len(flat))
    return [slice(start, start + step) for start in range(0, len(flat), step)]
