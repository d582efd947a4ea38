"""How people draw a face's label map: blobs, loose borders, parts left out, moved or resized, hair grown or gone.

All functions take and give one label map S×S int64 on any device; random numbers come from a generator of the CPU. None
waits for a GPU: what depends on the map itself (areas, centres) stays on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from facesynth.core.labels import NUM_LABELS, Label

FEATURES = (
    *(Label.L_EAR, Label.R_EAR, Label.EAR_R, Label.NECK_L, Label.NOSE, Label.EYE_G, Label.L_EYE, Label.R_EYE),
    *(Label.L_BROW, Label.R_BROW, Label.U_LIP, Label.L_LIP, Label.MOUTH),
)
"""Small parts, in the order in which they are painted over the large ones."""
FACE = (
    *(Label.SKIN, Label.NOSE, Label.EYE_G, Label.L_EYE, Label.R_EYE, Label.L_BROW, Label.R_BROW),
    *(Label.U_LIP, Label.L_LIP, Label.MOUTH),
)
"""The face with what lies in it."""


def among(labels: Tensor, parts: Sequence[Label]) -> Tensor:
    """Where the label is one of `parts`: S×S bool."""
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    for part in parts:
        chosen |= labels == part
    return chosen


def without(labels: Tensor, gone: Tensor) -> Tensor:
    """The map with the pixels `gone` (S×S bool) covered by what lies around them; as it is where nothing else is."""
    levels = [_one_hot(labels) * ~gone]
    while levels[-1].shape[-1] > 1:
        levels.append(F.avg_pool2d(levels[-1][None], 2, ceil_mode=True)[0])
    around = levels.pop()
    for level in reversed(levels):
        wider = F.interpolate(around[None], level.shape[-2:], mode="bilinear", align_corners=False)[0]
        around = torch.where(level.sum(0) > 0, level, wider)
    return torch.where(gone & (around.sum(0) > 0), around.argmax(0), labels)


def softened(labels: Tensor, width: float, *, thicker: float = 1.0) -> Tensor:
    """The map drawn with a thick brush: borders rounded over `width` pixels, small parts as blobs.

    The blobs have the parts' own areas, or `thicker` times as much.
    """
    ground = _blurred(_one_hot(without(labels, among(labels, FEATURES))), width).argmax(0)
    masks = torch.stack([labels == part for part in FEATURES]).float()
    return _painted_over(ground, _as_large(_blurred(masks, width / 2), thicker * masks.sum((1, 2))))


def rounded(labels: Tensor, width: float, *, oval: bool, thicker: float = 1.0) -> Tensor:
    """The map in flat shapes: small parts as ellipses of their centre, spread and tilt, the rest `softened`.

    The ellipses are as large as the parts, or `thicker` times; `oval` makes one of the face too.
    """
    face = among(labels, FACE)
    gone = among(labels, FEATURES) | face if oval else among(labels, FEATURES)
    ground = _blurred(_one_hot(without(labels, gone)), width).argmax(0)
    if oval:
        ground = torch.where(_ellipses(face[None].float(), 1.0)[0], int(Label.SKIN), ground)
    masks = torch.stack([labels == part for part in FEATURES]).float()
    return _painted_over(ground, _ellipses(masks, thicker))


def shaken(labels: Tensor, cells: int, reach: float, generator: Generator) -> Tensor:
    """The map with each place moved by up to about `reach` pixels, smoothly between `cells`×`cells` random moves.

    Few cells are a hand that misses by a little, many are jagged borders.
    """
    side = labels.shape[-1]
    moves = torch.randn(1, 2, cells, cells, generator=generator).to(labels.device, non_blocking=True) * (reach / 2)
    moves = F.interpolate(moves, (side, side), mode="bicubic", align_corners=True)[0]
    rows, columns = _grid(labels)
    return _picked(labels, rows + moves[0], columns + moves[1])


def blocky(labels: Tensor, cells: int) -> Tensor:
    """The map drawn on a grid of `cells`×`cells` squares."""
    coarse = F.interpolate(labels[None, None].float(), (cells, cells), mode="nearest-exact")
    return F.interpolate(coarse, labels.shape, mode="nearest-exact")[0, 0].long()


def stretched(labels: Tensor, down: float, across: float) -> Tensor:
    """The map stretched about its middle by these factors; its edge goes on where it does not reach."""
    rows, columns = _grid(labels)
    middle = (labels.shape[-1] - 1) / 2
    return _picked(labels, (rows - middle) / down + middle, (columns - middle) / across + middle)


def moved(
    labels: Tensor, parts: Sequence[Label], *, shift: tuple[float, float], scale: tuple[float, float], turn: float
) -> Tensor:
    """The map with some parts, as one, shifted (down, right; pixels), scaled (down, across) and turned (degrees).

    About their own centre; what they covered is covered by what lies around. They stay off the background.
    """
    mask = among(labels, parts)
    rows, columns = _grid(labels)
    area = mask.sum().clamp_min(1)
    top, left = (rows * mask).sum() / area, (columns * mask).sum() / area
    y, x = rows - top - shift[0], columns - left - shift[1]
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    y, x = (cosine * y - sine * x) / scale[0], (sine * y + cosine * x) / scale[1]
    last = labels.shape[-1] - 1
    inside = ((y + top - last / 2).abs() <= last / 2) & ((x + left - last / 2).abs() <= last / 2)
    part = _picked(torch.where(mask, labels, -1), y + top, x + left)
    ground = without(labels, mask)
    return torch.where((part >= 0) & inside & (ground != Label.BACKGROUND), part, ground)


def bald(labels: Tensor, *, skull: bool) -> Tensor:
    """The map with its hair left empty; with `skull` it is skin where the head may be expected under it."""
    hair = labels == Label.HAIR
    empty = torch.where(hair, int(Label.BACKGROUND), labels)
    if not skull:
        return empty
    head = _ellipses(among(labels, FACE)[None].float(), 1.3)[0]
    return torch.where(hair & head, int(Label.SKIN), empty)


def shorn(labels: Tensor, width: float) -> Tensor:
    """The map with its hair thinned by about `width` pixels, to what lies around."""
    hair = (labels == Label.HAIR).float()
    return without(labels, (hair > 0) & (_blurred(hair[None], width)[0] < 0.85))


def grown(labels: Tensor, width: float, down: int) -> Tensor:
    """The map with more hair: about `width` pixels all around and `down` pixels longer, over all but the face."""
    hair = (labels == Label.HAIR).float()
    longer = torch.stack([F.pad(hair, (0, 0, drop, 0))[: len(hair)] for drop in range(0, down + 1, 2)]).amax(0)
    over = among(labels, (Label.BACKGROUND, Label.CLOTH, Label.NECK, Label.L_EAR, Label.R_EAR, Label.EAR_R))
    return torch.where(over & (_blurred(longer[None], width)[0] > 0.12), int(Label.HAIR), labels)


def _one_hot(labels: Tensor) -> Tensor:
    return F.one_hot(labels, NUM_LABELS).permute(2, 0, 1).float()


def _grid(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel's row and column, S×1 and 1×S."""
    place = torch.arange(labels.shape[-1], device=labels.device, dtype=torch.float32)
    return place[:, None], place[None, :]


def _picked(labels: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The labels nearest to these places; beyond the edge those at the edge."""
    last = labels.shape[-1] - 1
    return labels[rows.round().long().clamp(0, last), columns.round().long().clamp(0, last)]


def _blurred(planes: Tensor, width: float) -> Tensor:
    """Planes C×S×S under a Gaussian of `width` pixels; what lies beyond the edge is as the edge is."""
    if width < 0.3:
        return planes
    reach = min(math.ceil(2.5 * width), planes.shape[-1] - 1)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / width) ** 2)
    weights = (weights / weights.sum()).to(planes.device, non_blocking=True)
    wide = F.pad(planes[:, None], [reach] * 4, mode="replicate")
    return F.conv2d(F.conv2d(wide, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))[:, 0]


def _painted_over(ground: Tensor, blobs: Tensor) -> Tensor:
    """The map with a blob, S×S bool, for each of FEATURES."""
    for part, blob in zip(FEATURES, blobs, strict=True):
        ground = torch.where(blob, int(part), ground)
    return ground


def _as_large(planes: Tensor, areas: Tensor) -> Tensor:
    """Where planes C×S×S in 0..1 are highest: as many pixels of each as `areas` (C) says, but none of its zeros."""
    ordered = planes.flatten(1).sort(1, descending=True).values
    least = ordered.gather(1, (areas.long() - 1).clamp(0, ordered.shape[1] - 1)[:, None])[:, :, None]
    return (planes >= least) & (planes > 0.02) & (areas > 0)[:, None, None]


def _ellipses(masks: Tensor, larger: float) -> Tensor:
    """The ellipse of each mask C×S×S that has its centre and its second moments, and `larger` times their area."""
    side = masks.shape[-1]
    place = torch.arange(side, device=masks.device, dtype=torch.float32)
    area = masks.sum((1, 2)).clamp_min(1)[:, None, None]

    def mean(values: Tensor) -> Tensor:
        return (values * masks).sum((1, 2), keepdim=True) / area

    rows, columns = place[:, None].expand(side, side), place[None, :].expand(side, side)
    y, x = rows - mean(rows), columns - mean(columns)
    yy, xx, yx = mean(y * y) + 1 / 12, mean(x * x) + 1 / 12, mean(y * x)
    distance = (xx * y * y - 2 * yx * y * x + yy * x * x) / (xx * yy - yx * yx).clamp_min(1e-6)
    return (distance <= 4 * larger) & (masks.sum((1, 2)) > 0)[:, None, None]
