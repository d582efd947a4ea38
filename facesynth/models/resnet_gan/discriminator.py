"""The residual discriminator of table 2 (Yeo et al.), with a projection of the class where it has any."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.resnet_gan.blocks import DownBlock, Layers
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec


class ResnetDiscriminator(nn.Module):
    """Pictures N×3×H×W in -1..1, sides multiples of 2^halvings, and a condition → scores N.

    The score is linear in φ, the channels' sums over all pixels, and with classes `+ e(y)·φ` (Miyato and Koyama 2018).
    The condition is class ids N (int64), or weights N×classes that embeddings are summed by.
    """

    def __init__(self, spec: ResnetDiscriminatorSpec) -> None:
        super().__init__()
        layers, widths = Layers(spectral=spec.spectral, bias=True), spec.widths
        self.blocks = nn.ModuleList(
            DownBlock(*channels, layers, halve=index < spec.halvings, first=index == 0)
            for index, channels in enumerate(zip((3, *widths), widths, strict=False))
        )
        self.score = layers.linear(widths[-1], 1)
        self.embedding = layers.table(spec.classes, widths[-1]) if spec.classes else None

    def forward(self, pictures: Tensor, condition: Tensor | None = None) -> Tensor:
        features = self.features(pictures)
        score: Tensor = self.score(features).squeeze(1)
        if self.embedding is not None:
            score = score + (self.embedding(condition) * features).sum(1)
        return score

    def features(self, pictures: Tensor) -> Tensor:
        """φ: N×channels."""
        x = pictures
        for block in self.blocks:
            x = block(x)
        return F.relu(x).sum((2, 3))
