"""The residual generator of table 2 (Yeo et al.): noise, and a class where it has any, in; picture out."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.modulation import Modulation
from facesynth.models.normalisation.options import NormalisationName, NormalisationOptions
from facesynth.models.normalisation.table import NORMALISATIONS
from facesynth.models.resnet_gan.blocks import Layers, UpBlock
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec


class ResnetGenerator(nn.Module):
    """z N×z_channels, of a standard normal distribution, and a condition → picture N×3×S×S in -1..1.

    The condition is class ids N (int64), or weights N×classes that rows of tables are summed by; None without classes.
    The last normalisation is batch normalisation in all of them. No layer has a bias, without which table 6 comes out.
    """

    def __init__(self, spec: ResnetGeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        layers, options, widths = Layers(spectral=spec.spectral, bias=False), spec.options(), spec.widths
        self.first = layers.linear(spec.z_channels, widths[0] * spec.start**2)
        self.blocks = nn.ModuleList(
            UpBlock(
                *channels,
                partial(_normalisation, spec.normalisation_of(index), options),
                layers,
                attention=spec.attention,
            )
            for index, channels in enumerate(pairwise(widths))
        )
        self.norm = _normalisation("batch", options, widths[-1])
        self.picture = layers.convolution(widths[-1], 3, 3)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        x: Tensor = self.first(z).view(len(z), -1, self.spec.start, self.spec.start)
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, condition, z)
        return torch.tanh(self.picture(F.relu(self.norm(x), inplace=True)))


def _normalisation(name: NormalisationName, options: NormalisationOptions, channels: int) -> Modulation:
    return NORMALISATIONS[name](channels, options)
