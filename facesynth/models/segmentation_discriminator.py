"""The segmentation discriminator of OASIS (Schönfeld et al. 2021, section 3.1, appendix A): a U-Net over pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.spade import Convolution, convolution
from facesynth.models.specs import SegmentationDiscriminatorSpec


class SegmentationDiscriminator(nn.Module):
    """Pictures N×3×S×S → logits N×(labels+1)×S×S: the labels, and last that the pixel was painted.

    It is not told the label map, which is its target instead. At its default width these are the paper's channels.
    """

    def __init__(self, spec: SegmentationDiscriminatorSpec) -> None:
        super().__init__()
        make = convolution(spec.spectral)
        widths = [min(spec.width << (level + 1) // 2, spec.max_width) for level in range(1, spec.depth + 1)]
        above = [*reversed(widths[:-1]), spec.width]  # what the rising blocks give: as wide as the maps beside them
        self.down = nn.ModuleList(
            Down(channels_in, channels_out, make, first=level == 0)
            for level, (channels_in, channels_out) in enumerate(zip([3, *widths], widths, strict=False))
        )
        self.up = nn.ModuleList(
            Up(channels_in, channels_out, make)
            for channels_in, channels_out in zip([widths[-1], *(2 * width for width in above)], above, strict=False)
        )
        self.classify = nn.Conv2d(above[-1], spec.labels + 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures
        maps: list[Tensor] = []
        for block in self.down:
            x = block(x)
            maps.append(x)
        for index, block in enumerate(self.up):
            x = block(x if index == 0 else torch.cat([x, maps[-1 - index]], dim=1))
        logits: Tensor = self.classify(x)
        return logits


class Down(nn.Module):
    """A residual block that halves the side; the `first` one starts from pixels, without an activation."""

    def __init__(self, channels_in: int, channels_out: int, make: Convolution, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.conv_0 = make(channels_in, channels_out, 3, padding=1)
        self.conv_1 = make(channels_out, channels_out, 3, padding=1)
        self.shortcut = make(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_0(x if self.first else F.leaky_relu(x, 0.2))
        y = F.avg_pool2d(self.conv_1(F.leaky_relu(y, 0.2)), 2)
        short: Tensor = self.shortcut(F.avg_pool2d(x, 2))  # a 1×1 convolution and a mean may change places
        return y + short


class Up(nn.Module):
    """A residual block that doubles the side, by nearest."""

    def __init__(self, channels_in: int, channels_out: int, make: Convolution) -> None:
        super().__init__()
        self.conv_0 = make(channels_in, channels_out, 3, padding=1)
        self.conv_1 = make(channels_out, channels_out, 3, padding=1)
        self.shortcut = make(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_0(_doubled(F.leaky_relu(x, 0.2)))
        y = self.conv_1(F.leaky_relu(y, 0.2))
        return y + _doubled(self.shortcut(x))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
