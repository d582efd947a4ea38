"""SPN line by line as figure 8 of the paper writes it, with `padding="same"`, without which it could not run."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.self_pixelwise import SelfPixelwise


class Figure8(nn.Module):
    """N×C×H×W → N×C×H×W: two batch normalisations, the inverted mask, four depthwise convolutions."""

    def __init__(self, channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.mask_norm = nn.BatchNorm2d(channels)
        self.embed = nn.Conv2d(channels, channels, 1, bias=False)
        self.depthwise = nn.ModuleDict(
            {
                name: nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
                for name in ("gamma_own", "gamma_inverted", "beta_own", "beta_inverted")
            }
        )
        self.normalise = nn.BatchNorm2d(channels, affine=False)

    @classmethod
    def of(cls, fused: SelfPixelwise) -> Figure8:
        """With the weights of an SPN layer whose kernels are depthwise."""
        channels, kernel = fused.kernels.own.shape[0] // 2, fused.kernels.own.shape[-1]
        made = cls(channels, kernel).to(fused.mask_gamma)
        with torch.no_grad():
            made.mask_norm.weight.copy_(1 + fused.mask_gamma)
            made.mask_norm.bias.copy_(fused.mask_beta)
            made.embed.weight.copy_(fused.embed.weight)
            for side in ("own", "inverted"):
                for name, half in zip(("gamma", "beta"), fused.kernels.get_parameter(side).chunk(2), strict=True):
                    made.depthwise[f"{name}_{side}"].get_parameter("weight").copy_(half)
        return made

    def forward(self, x: Tensor, *_: Tensor | None) -> Tensor:
        m = F.relu(self.mask_norm(x))
        m = torch.sigmoid(self.embed(m))
        g = self.depthwise["gamma_own"](m) + self.depthwise["gamma_inverted"](1 - m)
        b = self.depthwise["beta_own"](m) + self.depthwise["beta_inverted"](1 - m)
        y: Tensor = (1 + g) * self.normalise(x) + b
        return y
