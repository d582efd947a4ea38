"""Layers of the family with parameters that are all drawn, and features for them, in float64."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from facesynth.models.normalisation.options import NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise

Layer = TypeVar("Layer", bound=nn.Module)


def drawn(layer: Layer, seed: int = 0, strength: float = 0.5) -> Layer:
    """The layer in float64, its parameters drawn anew: none is left at zero or one."""
    generator = torch.Generator().manual_seed(seed)
    layer.double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(strength * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return layer


def features(channels: int = 6, side: int = 9, count: int = 3, seed: int = 1) -> Tensor:
    """N×C×H×W of other means and deviations a channel; one side is a pixel longer."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((count, channels, side, side + 1), generator=generator, dtype=torch.float64)
    return x * torch.arange(1, channels + 1)[:, None, None] + torch.arange(channels)[:, None, None]


def spn(channels: int = 6, **options: object) -> SelfPixelwise:
    """An SPN layer with drawn parameters."""
    return drawn(SelfPixelwise(channels, NormalisationOptions(**options)))  # type: ignore[arg-type]


def inside(maps: Tensor, margin: int) -> Tensor:
    """…×H×W without a border of so many pixels."""
    return maps[..., margin : maps.shape[-2] - margin, margin : maps.shape[-1] - margin]
