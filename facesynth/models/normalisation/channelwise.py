"""Members whose γ and β are one number a channel: learned, of a class (cBN), of a class and the noise vector (ccBN)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.modulation import Field, Modulation, per_channel
from facesynth.models.normalisation.statistics import BatchStatistics, Statistics


class ChannelAffine(Modulation):
    """Batch, instance or layer normalisation: γ and β are learned, at first zero."""

    normalise: Statistics

    def __init__(self, normalise: Statistics, channels: int) -> None:
        super().__init__()
        self.normalise = normalise
        self.gamma = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def field(self, normalised: Tensor, *_: Tensor | None) -> Field:
        return Field(1 + self.gamma[:, None, None], self.beta[:, None, None])

    def forward(self, x: Tensor, *given: Tensor | None) -> Tensor:
        if self.watcher is not None:
            return self.modulated(x, *given)
        return self.normalise.scaled(x, 1 + self.gamma, self.beta)


class ClassTable(nn.Module):
    """A row a class, at first zero: class ids N (int64), or weights N×classes, → N×columns.

    Weights are an extension of the papers': a face with several attributes gets the sum of their rows.
    """

    def __init__(self, classes: int, columns: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, columns))

    def forward(self, condition: Tensor | None) -> Tensor:
        if condition is None:
            raise ValueError(f"a network of {len(self.weight)} classes has to be told the class of each sample")
        if condition.is_floating_point():
            return condition @ self.weight
        return F.embedding(condition, self.weight)  # raises IndexError for negative ids too


class ConditionalAffine(Modulation):
    """Conditional batch normalisation (Dumoulin et al. 2017): γ and β are looked up by the class.

    With `z_channels` a linear function of z is added, without a bias: the paper's ccBN. BigGAN's own puts a shared
    embedding and a piece of z through one linear layer; in the paper's words it "is mathematically equivalent to adding
    a bias term derived from the noise vector", which does not say whether it cuts z in pieces: here it does not.
    """

    def __init__(self, channels: int, classes: int, z_channels: int | None) -> None:
        super().__init__()
        self.normalise = BatchStatistics(channels)
        self.table = ClassTable(classes, 2 * channels)
        self.noise_bias = None if z_channels is None else noise_bias(z_channels, channels)

    def field(self, normalised: Tensor, condition: Tensor | None, z: Tensor | None) -> Field:
        values = self.table(condition)
        if self.noise_bias is not None:
            values = values + self.noise_bias(z)
        gamma, beta = per_channel(values)
        return Field(1 + gamma, beta)


def noise_bias(z_channels: int, channels: int) -> nn.Linear:
    """What is added to γ and β a channel: a linear function of z."""
    layer = nn.Linear(z_channels, 2 * channels, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer
