"""The multi-scale patch discriminator (Wang et al. 2018; Park et al. 2019, figure 13)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.spade import convolution
from facesynth.models.specs import DiscriminatorSpec


class PatchDiscriminator(nn.Module):
    """N×C×H×W → the outputs of all layers; the last, N×1×h×w, scores overlapping patches."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        make = convolution(spec.spectral)
        width, channels = spec.width, spec.labels + 3
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=2)]
        for index in range(1, spec.layers):
            wider = min(width * 2, spec.max_width)
            stride = 1 if index == spec.layers - 1 else 2
            layers.append(make(width, wider, 4, stride=stride, padding=2, bias=False))
            width = wider
        self.layers = nn.ModuleList(layers)
        self.score = nn.Conv2d(width, 1, 4, padding=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index > 0:
                x = F.instance_norm(x)
            x = F.leaky_relu(x, 0.2)
            features.append(x)
        return [*features, self.score(x)]


class Discriminator(nn.Module):
    """Label map N×labels×S×S and pictures N×3×S×S → one list of layer outputs a scale, finest scale first."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(spec) for _ in range(spec.scales))

    def forward(self, label_map: Tensor, pictures: Tensor) -> list[list[Tensor]]:
        x = torch.cat([label_map, pictures], dim=1)
        outputs = []
        for index, scale in enumerate(self.scales):
            if index > 0:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            outputs.append(scale(x))
        return outputs
