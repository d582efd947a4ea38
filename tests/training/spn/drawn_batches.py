"""Batches of images that tell their own number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from facesynth.datasets.image_sets import PackedImages
from facesynth.models.resnet_gan.specs import GanNormalisation
from facesynth.training.spn.batches import Batches
from tests.training.spn.tiny import CLASSES, networks, spn_run

CPU = torch.device("cpu")
COUNT = 10
IDS = np.arange(COUNT) % len(CLASSES)
ATTRIBUTES = np.stack([np.arange(COUNT) % 2, np.arange(COUNT) % 3 == 0, np.arange(COUNT) > 4], 1).astype(np.uint8)


def batches(targets: np.ndarray | None = IDS, member: GanNormalisation = "cbn", **changes: object) -> Batches:
    """Of images that are as grey as their number, but for the left half of each, which is 20 brighter."""
    images = np.repeat(np.arange(COUNT, dtype=np.uint8), 8 * 8 * 3).reshape(COUNT, 8, 8, 3) * 10
    images[:, :, :4] += 20
    run = spn_run(Path(), **networks(member), **changes)
    return Batches(PackedImages(images, targets, CLASSES, "d"), run, CPU)


def numbers(pictures: torch.Tensor) -> list[int]:
    """Which images they are, by their darker half."""
    levels = (pictures + 1) * 127.5
    return (levels.amin((1, 2, 3)) / 10).round().long().tolist()
