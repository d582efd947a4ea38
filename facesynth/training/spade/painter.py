"""Encoder and generator, trained and averaged as one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.region_pooling import present
from facesynth.training.spade.style_draws import StyleDraws, of_blocks


class Painter(nn.Module):
    """Encoder and generator as one module, so that one call makes a picture and one average follows both."""

    def __init__(self, generator: SpadeGenerator, encoder: StyleEncoder | None) -> None:
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(
        self, label_map: Tensor, faces: Tensor, own: Tensor, draws: StyleDraws
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Paint with styles drawn from the faces' posterior: (pictures, mean, log-variance).

        `label_map` is what is painted from, `own` are the faces' own label maps; both are one-hot. A region that a
        face does not show, or whose style is dropped, is painted in the learned average.
        """
        if self.encoder is None:
            mean = log_variance = torch.zeros_like(draws.normal)
        else:
            mean, log_variance = self.encoder(faces, own)
        style = mean.float() + draws.normal * (0.5 * log_variance.float()).exp()
        regions = self.generator.regions
        if regions is not None and draws.kept is not None:
            known = (draws.kept if self.encoder is None else draws.kept & present(own)).float()
            style = regions.completed(style * known[:, :, None], 1 - known)
        return self.generator(label_map, of_blocks(style, draws), draws.noise), mean, log_variance
