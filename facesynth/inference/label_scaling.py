"""The likeliest labels at a face's own size, of logits at a fraction of it."""

from __future__ import annotations

import torch
from torch import Tensor

_MIXED = 255
_AT_ONCE = 1 << 16
"""Pixels that are scaled at once: some 30 MB, whatever the picture's size."""


def labels_at(logits: Tensor, height: int, width: int) -> Tensor:
    """19×h×w logits → H×W uint8: the argmax of the logits scaled bilinearly (`F.interpolate`, corners not aligned).

    Scaled logits lie between those of the four around them. Where these agree on the likeliest label it is that one,
    so only pixels near a border are scaled at all: on a CPU twenty times as fast as scaling every pixel of every label.
    """
    classes, h, w = logits.shape
    grid = logits.permute(1, 2, 0).contiguous()  # one pixel's logits side by side
    labels = grid.argmax(2).to(torch.uint8)
    if (h, w) == (height, width):
        return labels
    top, bottom, down = _between(h, height, logits.device)
    left, right, across = _between(w, width, logits.device)
    aside = torch.cat((labels[:, 1:], labels[:, -1:]), 1)
    mixed = labels != aside
    mixed |= torch.cat((mixed[1:], mixed[-1:])) | (labels != torch.cat((labels[1:], labels[-1:])))
    labels = labels.masked_fill(mixed, _MIXED)
    found = labels.index_select(0, top).index_select(1, left)
    where = (found == _MIXED).nonzero()
    pixels = grid.view(h * w, classes)
    for part in torch.split(where, _AT_ONCE):
        y, x = part.unbind(1)
        above, below = top[y] * w, bottom[y] * w
        share = across[x, None]
        upper = torch.lerp(pixels[above + left[x]], pixels[above + right[x]], share)
        lower = torch.lerp(pixels[below + left[x]], pixels[below + right[x]], share)
        found[y, x] = torch.lerp(upper, lower, down[y, None]).argmax(1).to(torch.uint8)
    return found


def _between(few: int, many: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each of `many` places the two of `few` that it lies between, and how far it is on its way to the second.

    The first is never the last of several, so that two of them always span a cell.
    """
    places = ((torch.arange(many, device=device) + 0.5) * (few / many) - 0.5).clamp(0, few - 1)
    first = places.floor().long().clamp(max=max(few - 2, 0))
    return first, (first + 1).clamp(max=few - 1), (places - first).to(torch.float32)
