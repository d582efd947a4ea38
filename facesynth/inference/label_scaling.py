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
    flat, pixels = found.view(-1), grid.view(h * w, classes)
    for part in torch.split((flat == _MIXED).nonzero().squeeze(1), _AT_ONCE):
        y = torch.div(part, width, rounding_mode="floor")
        x = part - y * width
        above, below = top.index_select(0, y) * w, bottom.index_select(0, y) * w
        west, east = left.index_select(0, x), right.index_select(0, x)
        share = across.index_select(0, x)[:, None]
        upper = pixels.index_select(0, above + west).lerp_(pixels.index_select(0, above + east), share)
        lower = pixels.index_select(0, below + west).lerp_(pixels.index_select(0, below + east), share)
        upper.lerp_(lower, down.index_select(0, y)[:, None])
        flat.index_copy_(0, part, upper.argmax(1).to(torch.uint8))
    return found


def _between(few: int, many: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each of `many` places the two of `few` that it lies between, and how far it is on its way to the second.

    The first is never the last of several, so that two of them always span a cell.
    """
    places = ((torch.arange(many, device=device) + 0.5) * (few / many) - 0.5).clamp(0, few - 1)
    first = places.floor().long().clamp(max=max(few - 2, 0))
    return first, (first + 1).clamp(max=few - 1), (places - first).to(torch.float32)
