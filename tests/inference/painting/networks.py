"""Tiny generators by seeds, and what their own layers paint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facesynth.models.generator import SpadeGenerator
from facesynth.models.spade import NoiseInjection
from facesynth.models.specs import GeneratorSpec

PLAIN = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=24, spade_hidden=8)
STYLED = replace(PLAIN, style_affine=True, noise=True)
REGIONS = replace(STYLED, style_regions=True, spectral=False)
NORMAL = replace(STYLED, size=32, start=1)
SPECS = {"plain": PLAIN, "styled": STYLED, "regions": REGIONS, "normal": NORMAL}


def generator_of(spec: GeneratorSpec, seed: int = 0) -> SpadeGenerator:
    """With statistics and noise that count."""
    torch.manual_seed(seed)
    network = SpadeGenerator(spec).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer("running_mean").normal_()
            module.get_buffer("running_var").uniform_(0.3, 3)
        if isinstance(module, NoiseInjection):
            nn.init.normal_(module.weight)
    return network


def style_of(spec: GeneratorSpec, seed: int = 0) -> Tensor:
    """A code, or one a label."""
    shape = (1, spec.labels, spec.style_channels) if spec.style_regions else (1, spec.style_channels)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def noise_of(network: SpadeGenerator, seed: int = 0) -> list[Tensor]:
    """A field for each block that takes one."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(1, 1, side, side, generator=draw) for side in network.noise_sides]


def dense(
    network: SpadeGenerator, ids: NDArray[np.uint8], style: Tensor | list[Tensor], noise: list[Tensor] | None
) -> Tensor:
    """What the layers paint, one after the other: the oracle."""
    label_map = F.one_hot(torch.from_numpy(ids.astype(np.int64)), network.spec.labels).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        painted: Tensor = network(label_map, style, noise)
    return painted
