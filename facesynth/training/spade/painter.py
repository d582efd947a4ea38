"""Encoder and generator, trained and averaged as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator


class Painter(nn.Module):
    """Encoder and generator as one module, so that one call makes a picture and one average follows both."""

    def __init__(self, generator: SpadeGenerator, encoder: StyleEncoder | None) -> None:
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(
        self, label_map: Tensor, faces: Tensor, normal: Tensor, noise: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Paint with styles drawn from the faces' posterior: (pictures, mean, log-variance); `normal` is N(0, 1)."""
        if self.encoder is None:
            mean = log_variance = torch.zeros_like(normal)
        else:
            mean, log_variance = self.encoder(faces)
        style = mean.float() + normal * (0.5 * log_variance.float()).exp()
        return self.generator(label_map, style, noise), mean, log_variance
