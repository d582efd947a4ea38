"""How an encoder reads a style for each region of a face: masked average pooling, in the spirit of SEAN."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEAST = 1 / 4096
"""The share of a label map that a region has at least: a few stray pixels of a parser's have no style."""


def present(label_map: Tensor) -> Tensor:
    """Which labels a one-hot label map N×labels×S×S has: N×labels bool."""
    return label_map.mean((2, 3), dtype=torch.float32) >= _LEAST


class RegionPooling(nn.Module):
    """An encoder's feature maps and a label map → mean and log-variance of each label's style.

    Features are averaged over each region at every depth (SEAN, Zhu et al. 2020, section 3.1, does so at one): those
    near the picture know fine texture and see nothing of the neighbours, deep ones know what kind of hair it is. At a
    region's border a feature counts by the share of its place that the region has, so that no small region is lost.
    Added are the picture's own mean and deviation there, in its three colours: they are most of what makes a style, and
    normalised features tell them badly. One layer is shared by all labels, the last is each label's own.
    """

    def __init__(self, widths: Sequence[int], labels: int, style_channels: int) -> None:
        """`widths` are the channels of the feature maps below the picture."""
        super().__init__()
        hidden = 2 * style_channels
        self.shared = nn.Linear(3 + 3 + sum(widths), hidden)
        self.own = nn.Conv1d(labels * hidden, labels * hidden, 1, groups=labels)

    def forward(self, levels: Sequence[Tensor], label_map: Tensor) -> tuple[Tensor, Tensor]:
        """`levels`: the picture N×3×S×S, then the feature maps; `label_map`: N×labels×H×W one-hot, of any size.

        Both results are N×labels×style_channels, and zero for labels that are not `present`.
        """
        picture, *features = levels
        shares = _shares(label_map, picture)
        colour = pooled(picture, shares)
        deviation = (pooled(picture.float().square(), shares) - colour.square()).clamp_min(1e-6).sqrt()
        found = [colour, deviation, *(pooled(level, _shares(label_map, level)) for level in features)]
        hidden = F.leaky_relu(self.shared(torch.cat(found, dim=2)), 0.2)
        own = self.own(hidden.flatten(1)[:, :, None]).view_as(hidden)
        own = own * present(label_map)[:, :, None]
        mean, log_variance = own.chunk(2, dim=2)
        return mean, log_variance


def pooled(planes: Tensor, shares: Tensor) -> Tensor:
    """The mean of planes N×C×H×W over each region, as N×labels×C float32; `shares` N×labels×H×W sum to 1 or are 0."""
    kind = planes.device.type
    lowered = torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
    with lowered:  # a deviation is a small difference of large numbers: not in bf16
        return shares.flatten(2) @ planes.float().flatten(2).transpose(1, 2)


def _shares(label_map: Tensor, level: Tensor) -> Tensor:
    """How much each place of a feature map counts for each label; it sums to 1, or to 0 for labels that are nowhere."""
    masks = F.adaptive_avg_pool2d(label_map.float(), level.shape[-2:])  # type: ignore[arg-type]
    return masks / masks.sum((2, 3), keepdim=True).clamp_min(1e-6)
