"""Random geometry and colour for batches of (face, label map), on the device that they lie on."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from facesynth.core.labels import FLIP_TABLE
from facesynth.training.runs import Augment

_GREY = (0.299, 0.587, 0.114)


def flip_pairs(images: Tensor, labels: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror the samples where `mirrored` (N bool) is set: images N×C×H×W, labels N×H×W; left and right labels swap."""
    table = torch.from_numpy(FLIP_TABLE.copy()).to(labels.device).to(labels.dtype)
    images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    labels = torch.where(mirrored[:, None, None], table[labels.flip(-1).long()], labels)
    return images, labels


def augment(
    images: Tensor, labels: Tensor, config: Augment, generator: Generator, *, size: int, label_size: int
) -> tuple[Tensor, Tensor]:
    """Images N×3×H×W in 0..1 and labels N×H×W integers → the same at `size` and `label_size`, changed at random.

    Geometry is one similarity a sample, bilinear for images and nearest for labels, reflected at the border.
    """
    count = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator, device=images.device) * (high - low) + low

    if config.flip:
        images, labels = flip_pairs(images, labels, uniform(0, 1) < 0.5)
    angle = uniform(-config.rotation, config.rotation) * (math.pi / 180)
    zoom = torch.exp(uniform(-1, 1) * math.log(config.scale))
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    shift = [uniform(-2 * config.shift, 2 * config.shift) for _ in range(2)]
    theta = torch.stack([cosine, -sine, shift[0], sine, cosine, shift[1]], dim=1).view(count, 2, 3)
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    grid = F.affine_grid(theta, [count, 3, label_size, label_size], align_corners=False)
    as_planes = labels[:, None].to(images.dtype)
    labels = F.grid_sample(as_planes, grid, mode="nearest", padding_mode="reflection", align_corners=False)[:, 0].long()
    recoloured = config.colour or config.grey or config.blur
    return _recolour(images, config, uniform) if recoloured else images, labels


def _recolour(images: Tensor, config: Augment, uniform: Callable[[float, float], Tensor]) -> Tensor:
    strength = config.colour

    def factor(spread: float) -> Tensor:
        return torch.exp(uniform(-spread, spread))[:, None, None, None]

    luma = torch.tensor(_GREY, device=images.device).view(1, 3, 1, 1)
    grey = (images * luma).sum(1, keepdim=True)
    saturation = torch.where(
        (uniform(0, 1) < config.grey)[:, None, None, None], torch.zeros_like(factor(0)), factor(2 * strength)
    )
    images = grey + (images - grey) * saturation
    gains = torch.cat([factor(strength * 0.4) for _ in range(3)], dim=1)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = ((images - mean) * factor(strength) + mean) * gains * factor(strength)
    images = images.clamp(1e-4, 1).pow(factor(strength))
    small = F.interpolate(F.avg_pool2d(images, 3, 2, 1), images.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where((uniform(0, 1) < config.blur)[:, None, None, None], small, images)
