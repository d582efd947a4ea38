"""DiffAugment (Zhao et al. 2020): what a discriminator sees is changed at random, real and painted pictures alike.

A discriminator that is shown few photos learns them by heart; shown them in ever new colours, shifted and with a hole,
it cannot. Gradients flow through to the generator, which so never learns to paint the changes themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from facesynth.training.runs.spade import DiffAugment


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One drawing for a batch; one sample's photo, painted picture and label maps are changed alike.

    Alike, though the paper draws anew for each: feature matching and label mixing compare the two pictures.
    """

    colours: tuple[Tensor, Tensor, Tensor] | None  # brightness, saturation, contrast: each N×1×1×1
    shifts: tuple[tuple[int, int], ...] | None  # down and right, in pixels
    kept: Tensor | None  # N×1×S×S, 0 in the hole

    def recoloured(self, pictures: Tensor) -> Tensor:
        """Pictures N×3×S×S in -1..1 in other colours; they may leave the range, as the paper's do."""
        if self.colours is None:
            return pictures
        brightness, saturation, contrast = self.colours
        pictures = pictures + brightness
        grey = pictures.mean(1, keepdim=True)
        pictures = (pictures - grey) * saturation + grey
        middle = pictures.mean((1, 2, 3), keepdim=True)
        return (pictures - middle) * contrast + middle

    def moved(self, planes: Tensor) -> Tensor:
        """Planes N×C×S×S shifted and holed: what comes in, and the hole, is 0: grey in pictures, no label in maps."""
        if self.shifts is not None:
            reach = max(max(abs(down), abs(right)) for down, right in self.shifts)
            side = planes.shape[-1]
            wide = F.pad(planes, [reach] * 4)
            planes = torch.stack(
                [
                    sample[:, reach - down : reach - down + side, reach - right : reach - right + side]
                    for sample, (down, right) in zip(wide, self.shifts, strict=True)
                ]
            ).contiguous(memory_format=torch.channels_last)
        return planes if self.kept is None else planes * self.kept


def drawn(config: DiffAugment, count: int, side: int, generator: Generator, device: torch.device) -> Disturbance:
    """Draw what happens to `count` samples of `side` pixels; `generator` is one of the CPU's, wherever they lie."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    colours, shifts, kept = None, None, None
    if strength := config.colour:
        brightness, saturation, contrast = (
            uniform(middle - strength * reach, middle + strength * reach)
            .to(device, non_blocking=True)
            .view(-1, 1, 1, 1)
            for middle, reach in ((0.0, 0.5), (1.0, 1.0), (1.0, 0.5))
        )
        colours = brightness, saturation, contrast
    if reach := round(config.translation * side):
        pixels = (uniform(-reach, reach + 1).floor().clamp(-reach, reach) for _ in range(2))
        shifts = tuple((int(down), int(right)) for down, right in zip(*(each.tolist() for each in pixels), strict=True))
    if hole := round(config.cutout * side):
        top, left = (uniform(0, side + 1).floor() - hole // 2 for _ in range(2))
        place = torch.arange(side)
        rows, columns = ((place >= low[:, None]) & (place < low[:, None] + hole) for low in (top, left))
        kept = (~(rows[:, None, :, None] & columns[:, None, None, :])).float().to(device, non_blocking=True)
    return Disturbance(colours, shifts, kept)
