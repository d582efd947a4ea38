"""Random geometry and colour for batches of (face, label map), on the device that they lie on."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as geometry

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
    """Images N×3×H×H in 0..1 and labels N×H×H integers → the same at `size` and `label_size`, changed at random.

    Geometry is one similarity a sample, by torchvision: bilinear for images, nearest for labels, which are never
    interpolated; what it brings in from beyond the border is the mirrored picture. `generator` is one of the CPU's,
    wherever the images are: a GPU is not waited for, and draws the same there.
    """
    count, side = len(images), images.shape[-1]

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    def uniform_there(low: float, high: float) -> Tensor:
        return uniform(low, high).to(images.device, non_blocking=True)

    if config.flip:
        images, labels = flip_pairs(images, labels, uniform_there(0, 1) < 0.5)
    turns = uniform(-config.rotation, config.rotation).tolist()
    zooms = torch.exp(uniform(-1, 1) * math.log(config.scale)).tolist()
    shifts = torch.stack([uniform(-config.shift, config.shift) * side for _ in range(2)], dim=1).tolist()
    margin = _margin(config, side)
    moved: list[Tensor] = []
    moved_labels: list[Tensor] = []
    for image, label, turn, zoom, shift in zip(images, labels[:, None], turns, zooms, shifts, strict=True):
        for plane, interpolation, out in (
            (image, InterpolationMode.BILINEAR, moved),
            (label, InterpolationMode.NEAREST, moved_labels),
        ):
            wide = _mirrored_around(plane, margin)
            turned = geometry.affine(
                wide, angle=turn, translate=shift, scale=zoom, shear=[0.0, 0.0], interpolation=interpolation
            )
            out.append(geometry.center_crop(turned, [side, side]))
    images = geometry.resize(torch.stack(moved), [size, size], antialias=True)
    labels = geometry.resize(
        torch.stack(moved_labels), [label_size, label_size], interpolation=InterpolationMode.NEAREST_EXACT
    )[:, 0].long()
    recoloured = config.colour or config.grey or config.blur
    return _recolour(images, config, uniform_there) if recoloured else images, labels


def _mirrored_around(plane: Tensor, margin: int) -> Tensor:
    """The plane with `margin` pixels of its own mirror picture on each side; mirrored again where one is not enough."""
    while margin > 0:
        step = min(margin, plane.shape[-1] - 1)
        plane = geometry.pad(plane, [step], padding_mode="reflect")
        margin -= step
    return plane


def _margin(config: Augment, side: int) -> int:
    """How many pixels beyond the border the widest similarity looks."""
    turn = math.radians(min(abs(config.rotation), 45.0))
    reach = config.scale * (0.5 + config.shift) * (math.cos(turn) + math.sin(turn))
    return math.ceil(max(reach - 0.5, 0) * side) + 1


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
