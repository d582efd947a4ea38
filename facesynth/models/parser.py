"""The face parser: a MobileNetV2 trunk (Sandler et al. 2018) under a feature pyramid (Kirillov et al. 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from facesynth.models.specs import ParserSpec

# Where the trunk halves its resolution next, and the channels it has there: strides 2, 4, 8, 16, 32.
_TAPS: tuple[tuple[int, int], ...] = ((1, 16), (3, 24), (6, 32), (13, 96), (17, 320))


def _conv(channels_in: int, channels_out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class Trunk(nn.Module):
    """MobileNetV2 without its classifier: N×3×H×W → five maps at strides 2, 4, 8, 16 and 32.

    The names of its parameters are those of torchvision's `features`, so that its ImageNet weights load as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: nn.Sequential = mobilenet_v2(weights=None).features
        self.features = layers[: _TAPS[-1][0] + 1]

    def forward(self, x: Tensor) -> list[Tensor]:
        taps = {index for index, _ in _TAPS}
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in taps:
                maps.append(x)
        return maps


class ParserNet(nn.Module):
    """N×3×H×W, ImageNet-normalised, H and W multiples of 32 → logits N×labels×H/2×W/2."""

    def __init__(self, spec: ParserSpec) -> None:
        super().__init__()
        self.trunk = Trunk()
        width = spec.pyramid_channels
        self.laterals = nn.ModuleList(nn.Conv2d(channels, width, 1) for _, channels in _TAPS[1:])
        self.smooth = nn.ModuleList(_conv(width, width, 3) for _ in _TAPS[1:])
        self.context = nn.Conv2d(_TAPS[-1][1], width, 1)
        self.merge = _conv(width, spec.detail_channels, 3)
        self.detail = nn.Conv2d(_TAPS[0][1], spec.detail_channels, 1)
        self.refine = _conv(spec.detail_channels, spec.detail_channels, 3)
        self.classify = nn.Conv2d(spec.detail_channels, spec.labels, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine, *coarse = self.trunk(x)
        top = self.context(coarse[-1].mean((2, 3), keepdim=True))
        levels = []
        for lateral, feature in zip(reversed(self.laterals), reversed(coarse), strict=True):
            top = lateral(feature) + _upsampled(top, feature)
            levels.append(top)
        pyramid = sum(
            (_upsampled(smooth(level), levels[-1]) for smooth, level in zip(self.smooth, levels, strict=True)),
            start=torch.zeros((), dtype=x.dtype, device=x.device),
        )
        merged = _upsampled(self.merge(pyramid), fine) + self.detail(fine)
        logits: Tensor = self.classify(self.refine(merged))
        return logits


def _upsampled(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
