"""Label maps as people paint them, in place of the photos' own: which, how, and what stays true of them.

A parser's label maps are exact; people's are not, and a generator that never saw theirs paints smears on them. So some
samples are painted from an odd label map. What may then still be compared with the photo? There are two cases:

*Loosely drawn*: borders are rounded, wavy or jagged, parts are blobs, or left out where everybody has them (brows,
ears, a neck), left and right are mixed up. The photo is still a true picture of the drawing, as it is of its own label
map: the drawing is only vaguer. So the patch discriminator is told the drawing, with the photo and with the painted
picture alike: the generator learns the faces that such a drawing may stand for. It could not be told the photo's own
label map with the photo: it would then know the painted one by the drawing alone, without looking at the picture.

*Redrawn*: features are moved or resized, the face is stretched, hair is emptied, cut or grown, glasses or a hat are
left out. The photo is no picture of this. There is no real picture to show with the drawing, so the patch
discriminator is told no label map at all, neither with the photo nor with the painted picture: it can only say whether
this is a face. (To hide just the pixels that were changed would tell it of the glasses that were left out.) That
the painted face follows the drawing comes from the other samples, and from the segmentation discriminator, which needs
no photo for it.

For both, what compares with the photo pixel by pixel (feature matching, perceptual distance, reconstruction) counts
only where the two label maps agree, with a margin: there the photo still shows what should be painted. The segmentation
discriminator learns photos with their own label maps. It asks of the painted picture what is drawn, but nothing where a
loose drawing departs from the photo's labels: bare skin is not what a face without brows was meant to have.
The style is the photo's in any case.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from facesynth.core.labels import Label
from facesynth.training.runs.spade import OddMaps
from facesynth.training.spade.drawing import (
    among,
    bald,
    blocky,
    grown,
    moved,
    rounded,
    shaken,
    shorn,
    softened,
    stretched,
    without,
)

_MARGIN = 0.02  # of the side: how far from a change the photo is not compared
_EYES, _BROWS = (Label.L_EYE, Label.R_EYE), (Label.L_BROW, Label.R_BROW)
_EARS, _LIPS = (Label.L_EAR, Label.R_EAR), (Label.U_LIP, Label.L_LIP, Label.MOUTH)
_INSIDE = (*_EYES, *_BROWS, *_LIPS, Label.NOSE, Label.EYE_G)
_LEFT_OUT: tuple[tuple[tuple[Label, ...], float], ...] = (
    (_BROWS, 0.3),
    (_EARS, 0.3),
    ((Label.L_EAR,), 0.1),
    ((Label.R_EAR,), 0.1),
    ((Label.EAR_R, Label.NECK_L), 0.5),
    ((Label.MOUTH,), 0.3),
    ((Label.NOSE,), 0.08),
    (_EYES, 0.03),
    (_LIPS, 0.05),
    ((Label.NECK,), 0.1),
    ((Label.CLOTH,), 0.15),
    ((Label.CLOTH, Label.NECK), 0.1),
)
"""What a loose drawing leaves out, and how often."""
_MIXED_UP: tuple[tuple[tuple[Label, ...], Label, float], ...] = (
    (_EYES, Label.L_EYE, 0.07),
    (_EYES, Label.R_EYE, 0.07),
    (_BROWS, Label.L_BROW, 0.07),
    (_BROWS, Label.R_BROW, 0.07),
    (_EARS, Label.L_EAR, 0.05),
    (_EARS, Label.R_EAR, 0.05),
    (_EARS, Label.SKIN, 0.1),
    ((Label.NECK,), Label.SKIN, 0.1),
)
"""What is drawn as something else, and how often."""


def oddly_drawn(labels: Tensor, config: OddMaps, generator: Generator) -> tuple[Tensor, Tensor]:
    """Labels N×S×S int64 → the same, some drawn oddly, and which of them were redrawn (N bool), on the same device.

    `generator` is one of the CPU's. Samples that are not chosen stay as they are.
    """
    out, redrawn = [], []
    for sample in labels:
        chosen, how = torch.rand(2, generator=generator).tolist()
        again = chosen < config.share and how < config.redrawn
        if again:
            sample = loosely(proportioned(sample, generator), generator, vague=False)
        elif chosen < config.share:
            sample = loosely(sample, generator)
        out.append(sample)
        redrawn.append(again)
    return torch.stack(out), torch.tensor(redrawn).to(labels.device, non_blocking=True)


def agreement(same: Tensor) -> Tensor:
    """Where the photo shows what should be painted, 0 or 1 as float: `same` (N×1×S×S bool) but for a margin."""
    reach = math.ceil(_MARGIN * same.shape[-1])
    return 1 - F.max_pool2d((~same).float(), 2 * reach + 1, stride=1, padding=reach)


def loosely(labels: Tensor, generator: Generator, *, vague: bool = True) -> Tensor:
    """One label map S×S drawn loosely; a `vague` one may also lack what everybody has, and mix labels up."""
    side, chance = labels.shape[-1], _Chance(generator)
    if vague:
        for parts, share in _LEFT_OUT:
            if chance.of(share):
                labels = without(labels, among(labels, parts))
        if chance.of(0.15):  # one mouth, without lips
            labels = torch.where(among(labels, _LIPS), int(Label.L_LIP), labels)
    brush, thicker = chance.between(0, 1), chance.between(0.9, 1.8)
    if brush < 0.4:
        labels = rounded(labels, side * chance.between(0.015, 0.05), oval=chance.of(0.5), thicker=thicker)
    elif brush < 0.8:
        labels = softened(labels, side * chance.between(0.008, 0.035), thicker=thicker)
    if vague:
        for parts, other, share in _MIXED_UP:
            if chance.of(share):
                labels = torch.where(among(labels, parts), int(other), labels)
    if chance.of(0.5):
        labels = shaken(labels, round(chance.between(5, 9)), side * chance.between(0.01, 0.03), generator)
    border = chance.between(0, 1)
    if border < 0.25:
        labels = shaken(
            labels, round(chance.between(side / 10, side / 4)), side * chance.between(0.008, 0.016), generator
        )
    elif border < 0.4:
        labels = blocky(labels, min(side, round(chance.between(28, 64))))
    return labels


def proportioned(labels: Tensor, generator: Generator) -> Tensor:
    """One label map S×S redrawn: one to three of its proportions, or its hair, are others; glasses or hat may be gone.

    A hat becomes hair.
    """
    side, chance = labels.shape[-1], _Chance(generator)

    def somewhere(parts: tuple[Label, ...], reach: float, least: float, most: float, turn: float = 0) -> Tensor:
        factor = chance.between(least, most)
        return moved(
            labels,
            parts,
            shift=(side * chance.between(-reach, reach), side * chance.between(-reach, reach)),
            scale=(factor * chance.between(0.85, 1.18), factor * chance.between(0.85, 1.18)),
            turn=chance.between(-turn, turn),
        )

    for way in torch.randperm(8, generator=generator)[: 1 + round(chance.between(-0.4, 2.4))].tolist():
        if way == 0:
            labels = somewhere(_INSIDE, 0.04, 0.7, 1.35)
        elif way == 1:
            labels = somewhere(_LIPS, 0.04, 0.6, 1.6, turn=10)
        elif way == 2:
            for eye in _EYES:
                labels = somewhere((eye,), 0.025, 0.7, 1.9)
        elif way == 3:
            for brow in _BROWS:
                labels = somewhere((brow,), 0.03, 0.7, 1.5, turn=20)
        elif way == 4:
            labels = somewhere((Label.NOSE,), 0.025, 0.6, 1.4)
        elif way == 5:
            labels = stretched(labels, chance.between(0.8, 1.25), chance.between(0.8, 1.25))
        else:
            labels = _other_hair(labels, chance)
    if chance.of(0.4):
        labels = without(labels, labels == Label.EYE_G)
    if chance.of(0.4):
        labels = torch.where(labels == Label.HAT, int(Label.HAIR), labels)
    return labels


def _other_hair(labels: Tensor, chance: _Chance) -> Tensor:
    """The map with its hair left empty, cut, or grown."""
    side, kind = labels.shape[-1], chance.between(0, 1)
    if kind < 0.4:
        return bald(labels, skull=chance.of(0.5))
    if kind < 0.65:
        return shorn(labels, side * chance.between(0.03, 0.08))
    return grown(labels, side * chance.between(0.02, 0.08), round(side * chance.between(0, 0.3)))


class _Chance:
    """Random decisions by a generator."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def between(self, low: float, high: float) -> float:
        """A number of low..high, all as likely."""
        return low + (high - low) * float(torch.rand((), generator=self._generator))

    def of(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.between(0, 1) < share
