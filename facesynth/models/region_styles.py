"""What a generator knows of the styles of its regions: the learned average, and how each label reads a style."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RegionStyles(nn.Module):
    """Styles N×labels×C → the same, read by each label: z + W_label·z + b_label.

    The blocks' affines are shared by all labels, which keeps a generator small; one matrix a label, ahead of them all,
    is what SEAN (Zhu et al. 2020, section 3.2) has for each label in each of its layers.
    """

    def __init__(self, labels: int, channels: int) -> None:
        super().__init__()
        # Of the codes that the encoder gives: what a region without a style is painted in. It is trained with regions
        # whose styles are dropped, so that it becomes the style that suits any face best.
        self.average = nn.Parameter(torch.zeros(labels, channels))
        self.reading = nn.Conv1d(labels * channels, labels * channels, 1, groups=labels)

    def forward(self, style: Tensor) -> Tensor:
        read: Tensor = self.reading(style.flatten(1)[:, :, None])
        return style + read.view_as(style)

    def completed(self, style: Tensor, missing: Tensor) -> Tensor:
        """Styles N×labels×C, zero where they are missing, with the learned average there.

        `missing`, N×labels, is 1 where a style is missing and 0 where it is not; in between for a weighted sum of
        styles of which some lack a region.
        """
        return style + missing[:, :, None] * self.average
