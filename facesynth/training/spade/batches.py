"""What one step of the SPADE generator's training is made of: photos, their label maps, and what is painted from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.core.labels import NUM_LABELS
from facesynth.datasets.packed import PackedPairs
from facesynth.training.augment import augment
from facesynth.training.feeding import Feeder
from facesynth.training.runs.spade import DiffAugment, SpadeRun
from facesynth.training.sampling import ShuffledOrder, generator_at
from facesynth.training.spade.diffaugment import drawn
from facesynth.training.spade.odd_maps import agreement, oddly_drawn

_AUGMENT, _ODD = 0, 2  # streams of random numbers of one step; the others are the styles' and the discriminators'


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. Label maps are one-hot N×19×S×S, `agreement` is N×1×S×S; see `odd_maps` for what differs and why.

    Without odd label maps all four label maps are the same tensor, and `agreement` is None (unless styles are mixed).
    """

    faces: Tensor  # N×3×S×S in -1..1
    own: Tensor  # the photos' label maps
    drawn: Tensor  # what the generator paints from
    told: Tensor  # what the patch discriminator is told of it, with the photo and with the painted picture
    wanted: Tensor  # the labels that painted pixels should have; none where anything may be painted
    agreement: Tensor | None  # 1 where the photo is what should be painted

    def painted_as(self, own: Tensor | None) -> Batch:
        """The same, of which only the pictures in their `own` style (N bool; None for all) should be the photos."""
        if own is None:
            return self
        whole = torch.ones_like(self.own[:, :1]) if self.agreement is None else self.agreement
        return replace(self, agreement=whole * own.view(-1, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class View:
    """A batch with its painted pictures as the discriminators see it: as it is, or disturbed by DiffAugment."""

    painted: Tensor
    faces: Tensor
    own: Tensor
    told: Tensor
    wanted: Tensor
    agreement: Tensor | None
    visible: Tensor  # N×1×S×S: 0 where DiffAugment has left a blank
    shared: Tensor  # the same, without the samples whose own label map was not what was painted from


class Batches:
    """Gives the batch that starts at an image, and random numbers for it: pure functions of the run's seed."""

    def __init__(self, pairs: PackedPairs, config: SpadeRun, device: torch.device) -> None:
        self._config, self._device = config, device
        self._feed = Feeder(pairs, ShuffledOrder(len(pairs), config.seed), config.batch_size, device)

    def __call__(self, nimg: int) -> Batch:
        """Return the batch for the step that starts at image `nimg`."""
        config = self._config
        images, labels = self._feed(nimg)
        size = config.generator.size
        generator = generator_at(config.seed, nimg, stream=_AUGMENT)
        images, labels = augment(images, labels, config.augment, generator, size=size, label_size=size)
        faces = (images * 2 - 1).contiguous(memory_format=torch.channels_last)
        own = _one_hot(labels)
        if not config.odd_maps.share:
            return Batch(faces, own, own, own, own, None)
        odd, redrawn = oddly_drawn(labels, config.odd_maps, generator_at(config.seed, nimg, stream=_ODD))
        painted_from, again = _one_hot(odd), redrawn.view(-1, 1, 1, 1)
        same = (odd == labels)[:, None]
        return Batch(
            faces,
            own,
            painted_from,
            told=painted_from * ~again,
            wanted=painted_from * (same | again),
            agreement=agreement(same),
        )


def seen(batch: Batch, painted: Tensor, config: DiffAugment, generator: torch.Generator) -> View:
    """Return a batch and its painted pictures N×3×S×S as the discriminators see them; gradients flow to `painted`."""
    count, side = len(painted), painted.shape[-1]
    disturbed = drawn(config, count, side, generator, painted.device)
    moved: dict[int, Tensor] = {}

    def move(planes: Tensor) -> Tensor:  # one tensor may be several of the batch's label maps
        if id(planes) not in moved:
            moved[id(planes)] = disturbed.moved(planes)
        return moved[id(planes)]

    whole = torch.ones(count, 1, side, side, device=painted.device)
    own_painted = whole if batch.agreement is None else whole * _samples_alike(batch.own, batch.drawn)
    return View(
        painted=disturbed.moved(disturbed.recoloured(painted)),
        faces=disturbed.moved(disturbed.recoloured(batch.faces)),
        own=move(batch.own),
        told=move(batch.told),
        wanted=move(batch.wanted),
        agreement=None if batch.agreement is None else move(batch.agreement),
        visible=move(whole),
        shared=move(own_painted),
    )


def _samples_alike(one: Tensor, other: Tensor) -> Tensor:
    """N×1×1×1: 1 for samples that are the same in both tensors."""
    return (one == other).flatten(1).all(1).float().view(-1, 1, 1, 1)


def _one_hot(labels: Tensor) -> Tensor:
    """Labels N×S×S int64 as N×19×S×S float32."""
    one_hot = F.one_hot(labels, NUM_LABELS).permute(0, 3, 1, 2).float()
    return one_hot.contiguous(memory_format=torch.channels_last)
