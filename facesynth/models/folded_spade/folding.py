"""A SPADE layer's numbers, laid out for patterns of labels, with its batch normalisation folded in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from facesynth.models.spade import Spade

WINDOW = 9
"""Pixels of a 3×3 neighbourhood."""
_MIDDLE = WINDOW // 2


@dataclass(frozen=True, slots=True)
class FoldedNorm:
    """Batch normalisation in evaluation mode: x̂ = x·deviation + mean, C numbers each."""

    deviation: Tensor
    mean: Tensor

    def folded(self, gamma: Tensor, beta: Tensor) -> Tensor:
        """γ and β, …×C each → scale and shift, …×2C."""
        scale = gamma + 1
        return torch.cat([scale * self.deviation, scale * self.mean + beta], dim=-1)


@dataclass(frozen=True, slots=True)
class FoldedNumbers:
    """What `scale·x + shift` of C channels is made of, in float32.

    A 3×3 pattern's `hidden` numbers are the ReLU of the sum of nine rows of `labels`, one for each of its pixels:
    (9·(labels + 1))×hidden, the first labels + 1 for the first pixel, the last of them where the map ends. A 5×5
    pattern's 2C are the sum of nine of those that its 3×3 patterns have, one for each place in the second convolution:
    `weight` 9×2C×hidden, `bias` 9×2C.
    """

    labels: Tensor
    weight: Tensor
    bias: Tensor
    norm: FoldedNorm


def fold(layer: Spade) -> FoldedNumbers:
    """The numbers of a layer in evaluation mode, as they are now."""
    normalise = layer.normalise
    assert isinstance(normalise, nn.BatchNorm2d)
    assert normalise.running_mean is not None and normalise.running_var is not None
    deviation = (normalise.running_var + normalise.eps).rsqrt()
    mean = -normalise.running_mean * deviation
    hidden, labels, *_ = layer.shared.weight.shape
    table = layer.shared.weight.new_zeros(WINDOW, labels + 1, hidden)
    table[:, :-1] = layer.shared.weight.permute(2, 3, 1, 0).flatten(0, 1)
    assert layer.shared.bias is not None
    table[_MIDDLE, :-1] += layer.shared.bias  # the middle of a window is always in the map
    gamma, beta = layer.gamma_beta.weight.chunk(2)
    wide = (deviation[:, None, None, None], mean[:, None, None, None])
    weight = torch.cat([gamma * wide[0], gamma * wide[1] + beta])  # 2C×hidden×3×3
    bias = weight.new_zeros(WINDOW, len(weight))
    norm = FoldedNorm(deviation, mean)
    assert layer.gamma_beta.bias is not None
    bias[_MIDDLE] = norm.folded(*layer.gamma_beta.bias.chunk(2))
    return FoldedNumbers(table.flatten(0, 1), weight.permute(2, 3, 0, 1).reshape(WINDOW, -1, hidden), bias, norm)
