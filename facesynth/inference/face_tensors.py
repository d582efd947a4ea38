"""Faces as a parser's network takes them: scaled, normalised, stacked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.core.images import Photo
from facesynth.inference.foreign.declaration import NORMALISATIONS, Intake
from facesynth.models import imagenet


def normalised(pixels: Tensor) -> Tensor:
    """N×3×H×W in 0..1 → the same with ImageNet's mean and deviation taken out."""
    return _standardised(pixels.clone(), imagenet.MEAN, imagenet.STD)


def parser_input(
    faces: Sequence[Photo],
    intake: Intake,
    rows: int,
    device: torch.device,
    side_by_side: Callable[[Callable[[Photo], Tensor], Sequence[Photo]], Sequence[Tensor]] | None = None,
) -> Tensor:
    """Faces, and as many black ones as fill the batch, as `intake` says: rows×3×H×W float32, channels last.

    `side_by_side` is a map that scales several faces at once.
    """
    x = torch.zeros(rows, intake.height, intake.width, 3, dtype=torch.uint8)

    def scaled(face: Photo) -> Tensor:
        return _scaled(face, intake.height, intake.width)

    for row, found in enumerate(
        [scaled(face) for face in faces] if side_by_side is None else side_by_side(scaled, faces)
    ):
        x[row] = found
    scale, mean, deviation = NORMALISATIONS[intake.normalisation]
    x = _standardised(x.to(device).permute(0, 3, 1, 2).float().div_(scale), mean, deviation)
    return x.flip(1) if intake.order == "bgr" else x


def _standardised(pixels: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """In place: pixels of hundreds of faces a second are not to be copied twice more."""
    centre = torch.tensor(mean, device=pixels.device, dtype=pixels.dtype).view(1, 3, 1, 1)
    spread = torch.tensor(deviation, device=pixels.device, dtype=pixels.dtype).view(1, 3, 1, 1)
    return pixels.sub_(centre).div_(spread)


def _scaled(face: Photo, height: int, width: int) -> Tensor:
    """A face's pixels, height×width×3 uint8, by the Lanczos filter of `Photo.resized`.

    PyTorch's own, where this one has it, differs by at most two grey levels and takes an eighth of Pillow's time.
    """
    if (face.height, face.width) == (height, width) or not _pytorch_has_lanczos():
        return torch.tensor(face.resized(width, height).pixels)
    plane = torch.tensor(face.pixels)[None].permute(0, 3, 1, 2)
    return F.interpolate(plane, (height, width), mode="lanczos", antialias=True)[0].permute(1, 2, 0)


@functools.cache
def _pytorch_has_lanczos() -> bool:
    try:
        F.interpolate(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), (2, 2), mode="lanczos", antialias=True)
    except (NotImplementedError, ValueError, RuntimeError):
        return False
    return True
