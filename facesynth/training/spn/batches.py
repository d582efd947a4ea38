"""What the steps of a residual generator's training are made of: training images, noise, and classes or attributes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facesynth.datasets.image_sets import PackedImages
from facesynth.training.feeding import ArrayFeeder, as_floats
from facesynth.training.runs.spn import SpnRun
from facesynth.training.sampling import ShuffledOrder, generator_at
from facesynth.training.spn.choosing import limited

_FLIP, _AGAINST, _GENERATING = 0, 1, 2
"""Streams of random numbers: mirroring, and the noise of the discriminator's and of the generator's steps."""


@dataclass(frozen=True, slots=True)
class Images:
    """Training images N×3×S×S in -1..1, and their condition: class ids N (int64), weights N×classes, or None."""

    pictures: Tensor
    condition: Tensor | None


@dataclass(frozen=True, slots=True)
class Draws:
    """What pictures are generated from: z N×z_channels of a standard normal distribution, and their condition."""

    noise: Tensor
    condition: Tensor | None


class Batches:
    """Gives training images and random numbers by the count of images: pure functions of the run's seed.

    Neither depends on the networks, so that runs with one seed see the same images in the same order, and the same z.
    """

    def __init__(self, images: PackedImages, config: SpnRun, device: torch.device) -> None:
        self._config, self._device = config, device
        self._targets = images.targets if config.generator.classes else None
        arrays = (images.images,) if self._targets is None else (images.images, self._targets)
        order = ShuffledOrder(limited(len(images), config.data.limit, config.seed), config.seed)
        self._items, self._feed = order.items, ArrayFeeder(arrays, order, config.batch_size, device)

    def images(self, nimg: int) -> Images:
        """The training images of the discriminator's step that starts at image `nimg`."""
        rows = self._feed(nimg)
        pictures = as_floats(rows[0]) * 2 - 1
        if self._config.data.flip:
            generator = generator_at(self._config.seed, nimg, stream=_FLIP)
            coins = torch.randint(0, 2, (len(pictures), 1, 1, 1), generator=generator)
            pictures = torch.where(coins.to(self._device) > 0, pictures.flip(3), pictures)
        condition = _as_condition(rows[1]) if len(rows) > 1 else None
        return Images(pictures.contiguous(memory_format=torch.channels_last), condition)

    def against(self, nimg: int) -> Draws:
        """What the discriminator's step that starts at image `nimg` compares its images with."""
        return self._drawn(nimg, self._config.batch_size, _AGAINST)

    def generating(self, nimg: int) -> Draws:
        """What the generator's step at image `nimg` is made of."""
        return self._drawn(nimg, self._config.generator_batch_size, _GENERATING)

    def _drawn(self, nimg: int, count: int, stream: int) -> Draws:
        """Noise first: it is the same whether there are classes or not. Classes are all as likely, as in the paper.

        Attributes are those of training images, as together they make sense.
        """
        spec, generator = self._config.generator, generator_at(self._config.seed, nimg, stream=stream)
        noise = torch.randn(count, spec.z_channels, generator=generator).to(self._device)
        if self._targets is None:
            return Draws(noise, None)
        if self._targets.ndim == 1:
            return Draws(noise, torch.randint(0, spec.classes, (count,), generator=generator).to(self._device))
        rows = self._items[torch.randint(0, len(self._items), (count,), generator=generator).numpy()]
        return Draws(noise, _as_condition(torch.from_numpy(self._targets[rows]).to(self._device)))


def _as_condition(targets: Tensor) -> Tensor:
    """Class ids as they are, attributes N×classes of 0 and 1 as weights."""
    return targets if targets.ndim == 1 else targets.float()
