"""Random geometry and colour for batches of (face, label map), on the device that they lie on."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as geometry

from facesynth.core.labels import FLIP_TABLE
from facesynth.training.runs.settings import Augment

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

    `generator` is one of the CPU's, wherever the images are: a GPU is not waited for, and draws the same there.
    """
    images, labels = moved(images, labels, config, generator)
    images, labels = resized(images, size), resized_labels(labels, label_size)
    return recoloured(images, config, generator), labels


def moved(images: Tensor, labels: Tensor, config: Augment, generator: Generator) -> tuple[Tensor, Tensor]:
    """Flip, turn, zoom and shift images N×3×H×H and labels N×H×H at random: geometry alone, at the size they have.

    It is one similarity a sample, by torchvision: bilinear for images, nearest for labels, which are never
    interpolated; what it brings in from beyond the border is the mirrored picture.
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
    turned: list[Tensor] = []
    turned_labels: list[Tensor] = []
    for image, label, turn, zoom, shift in zip(images, labels[:, None], turns, zooms, shifts, strict=True):
        for plane, interpolation, out in (
            (image, InterpolationMode.BILINEAR, turned),
            (label, InterpolationMode.NEAREST, turned_labels),
        ):
            wide = _mirrored_around(plane, margin)
            whole = geometry.affine(
                wide, angle=turn, translate=shift, scale=zoom, shear=[0.0, 0.0], interpolation=interpolation
            )
            out.append(geometry.center_crop(whole, [side, side]))
    return torch.stack(turned), torch.stack(turned_labels)[:, 0]


def resized(images: Tensor, size: int) -> Tensor:
    """Images N×C×H×H at size×size, antialiased."""
    scaled: Tensor = geometry.resize(images, [size, size], antialias=True)
    return scaled


def resized_labels(labels: Tensor, size: int) -> Tensor:
    """Labels N×H×H at size×size as int64, picked and never mixed."""
    picked = geometry.resize(labels[:, None], [size, size], interpolation=InterpolationMode.NEAREST_EXACT)
    scaled: Tensor = picked[:, 0].long()
    return scaled


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


def recoloured(images: Tensor, config: Augment, generator: Generator) -> Tensor:
    """Images N×3×H×W in 0..1 with their colours, contrast and sharpness changed at random."""
    if config.colour or config.grey or config.blur:
        images = _recoloured(images, config, generator)
    return coarsened(images, config.coarse, generator) if config.coarse else images


def coarsened(images: Tensor, probability: float, generator: Generator) -> Tensor:
    """Some of the images N×3×H×W in 0..1 scaled down to between an eighth and a half of their side, and up again.

    With noise that is enlarged with them; half of them by nearest, whose squares look like those of a compressed photo.
    """
    side, out = images.shape[-1], []
    for image in images:
        chosen, share, noise, by_nearest = torch.rand(4, generator=generator).tolist()
        if chosen < probability:
            few = max(1, round(side * 2 ** -(1 + 2 * share)))
            small = F.interpolate(image[None], (few, few), mode="area")
            grain = torch.randn(small.shape, generator=generator).to(image.device, non_blocking=True)
            small = (small + 0.04 * noise * grain).clamp(0, 1)
            if by_nearest < 0.5:
                [image] = F.interpolate(small, image.shape[-2:], mode="nearest-exact")
            else:
                [image] = F.interpolate(small, image.shape[-2:], mode="bilinear", align_corners=False)
        out.append(image)
    return torch.stack(out)


def _recoloured(images: Tensor, config: Augment, generator: Generator) -> Tensor:
    strength, count = config.colour, len(images)

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(count, generator=generator) * (high - low) + low
        return drawn.to(images.device, non_blocking=True)

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
    half = [(side + 1) // 2 for side in images.shape[-2:]]
    small = F.interpolate(images, half, mode="bilinear", align_corners=False, antialias=True)
    blurred = F.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where((uniform(0, 1) < config.blur)[:, None, None, None], blurred, images)
