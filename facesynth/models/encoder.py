"""The VAE's style encoder (Park et al. 2019, figure 14): a face in, mean and log-variance of its style out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.region_pooling import RegionPooling
from facesynth.models.spade import convolution
from facesynth.models.specs import EncoderSpec


class StyleEncoder(nn.Module):
    """Faces N×3×H×W in -1..1, resized to size×size → mean and log-variance, both N×style_channels.

    With `spec.style_regions` both are N×labels×style_channels, and zero for the labels that the faces' one-hot label
    maps, N×labels×H×W, do not have.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.spec = spec
        make = convolution(spec.spectral)
        widths = [min(spec.width << index, spec.max_width) for index in range(spec.blocks)]
        # Instance normalisation follows each convolution and takes its mean out: a bias would do nothing.
        self.convolutions = nn.ModuleList(
            make(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
            for channels_in, channels_out in zip([3, *widths], widths, strict=False)
        )
        self.regions: RegionPooling | None = None
        if spec.style_regions:
            self.regions = RegionPooling(widths, spec.labels, spec.style_channels)
            return
        flat = widths[-1] * (spec.size >> spec.blocks) ** 2
        self.mean = nn.Linear(flat, spec.style_channels)
        self.log_variance = nn.Linear(flat, spec.style_channels)

    def forward(self, faces: Tensor, label_map: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`label_map` is needed for styles of regions alone; ValueError where it is missing."""
        x = faces
        if x.shape[-2:] != (self.spec.size, self.spec.size):
            small = (self.spec.size, self.spec.size)  # in float32: a CPU resizes nothing in bf16 with antialiasing
            x = F.interpolate(x.float(), small, mode="bilinear", align_corners=False, antialias=True).to(x.dtype)
        if self.regions is not None and label_map is None:
            raise ValueError("an encoder of regions needs the faces' label maps")
        levels = [x]
        for convolve in self.convolutions:
            x = F.leaky_relu(self._normalised(convolve(x)), 0.2)
            levels.append(x)
        if self.regions is not None:
            pooled: tuple[Tensor, Tensor] = self.regions(levels, label_map)
            return pooled
        flat = torch.flatten(x.contiguous(), 1)
        return self.mean(flat), self.log_variance(flat)

    def _normalised(self, x: Tensor) -> Tensor:
        """By instance; for regions by pixel (Karras et al. 2018, section 4.2), or each would know of all others."""
        if self.regions is None:
            return F.instance_norm(x)
        return x * (x.float().square().mean(1, keepdim=True) + 1e-8).rsqrt().to(x.dtype)
