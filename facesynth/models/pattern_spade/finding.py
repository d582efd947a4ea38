"""The distinct neighbourhoods of a batch's label maps, found where the batch lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_FACTORS = tuple((2 * torch.randint(1 << 62, (9,), generator=torch.Generator().manual_seed(0)) + 1).tolist())
"""Odd ones, by which nine numbers become one of 64 bits."""


@dataclass(frozen=True, slots=True)
class BatchPatterns:
    """What the pixels of N label maps H×W see around them, each pattern once; all int64.

    A row is what one image has of one pattern, as its style is its own.
    """

    inner: Tensor
    """K×9: the labels of each 3×3 neighbourhood, row by row, the number of labels where the map ends."""
    outer: Tensor
    """P×9: rows of `inner`, one for each pixel in the middle 3×3 of a pattern of 5×5, K where the map ends."""
    image: Tensor
    """R: which image each row belongs to."""
    pattern: Tensor
    """R: and which row of `outer`."""
    label: Tensor
    """R: and the label of its middle pixel."""
    index: Tensor
    """N·H·W: the row of each pixel."""


@torch.no_grad()
def batch_patterns(ids: Tensor, labels: int) -> BatchPatterns:
    """Return the patterns of label maps N×H×W, int64 ids below `labels`. Exact: no two are taken for one."""
    inner, within = _neighbourhoods(ids, labels)
    outer, of_pixel = _neighbourhoods(within, len(inner))
    count, patterns = len(ids), len(outer)
    numbered = of_pixel.flatten(1) + patterns * torch.arange(count, device=ids.device)[:, None]
    rows, renumbered = _those_there(numbered.flatten(), count * patterns)
    pattern, image = rows % patterns, rows // patterns
    used, pattern_now = _those_there(pattern, patterns)
    outer = outer[used]
    there, inner_now = _those_there(outer.flatten(), len(inner) + 1)
    there = there[there < len(inner)]  # what lies outside has the highest number, and keeps it
    middle = inner[outer[:, 4], 4]
    pattern = pattern_now[pattern]
    return BatchPatterns(
        inner[there], inner_now[outer], image, pattern, middle[pattern], renumbered[numbered.flatten()]
    )


def _neighbourhoods(ids: Tensor, outside: int) -> tuple[Tensor, Tensor]:
    """Distinct 3×3 neighbourhoods of N×H×W ids below `outside`, K×9, and which of them each place has, N×H×W.

    The first `outside` are those of one id alone, whether or not they are there: only the others are looked for.
    """
    framed = F.pad(ids, (1, 1, 1, 1), value=outside)
    same = (framed[:, :-2] == framed[:, 1:-1]) & (framed[:, 2:] == framed[:, 1:-1])  # a column of three is of one id
    level = framed[:, 1:-1]
    uniform = same[..., :-2] & same[..., 1:-1] & same[..., 2:] & (level[..., :-2] == ids) & (level[..., 2:] == ids)
    image, y, x = torch.nonzero(~uniform, as_tuple=True)
    high, wide = framed.shape[1:]
    reach = torch.arange(3, device=ids.device)
    corner = (image * high + y) * wide + x
    around = framed.flatten()[corner[:, None] + (reach[:, None] * wide + reach).flatten()]
    found, which = _distinct_rows(around)
    index = ids.clone()
    index[image, y, x] = outside + which
    return torch.cat([torch.arange(outside, device=ids.device)[:, None].expand(-1, 9), found]), index


def _distinct_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct ones of N×9 numbers, and which of them each row is.

    They are told apart by a sum of 64 bits. Should two that differ ever have the same, all are told slowly.
    """
    factors = torch.tensor(_FACTORS, device=rows.device)
    kinds, which = torch.unique((rows * factors).sum(1), return_inverse=True)
    some = torch.empty(len(kinds), dtype=torch.int64, device=rows.device)
    some[which] = torch.arange(len(rows), device=rows.device)
    distinct = rows[some]
    if not torch.equal(distinct[which], rows):
        distinct, which = torch.unique(rows, dim=0, return_inverse=True)
    return distinct, which


def _those_there(numbers: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of numbers below `count`: those that are there, in order, and for each number how many of them are below it."""
    there = torch.zeros(count, dtype=torch.bool, device=numbers.device)
    there[numbers] = True
    return there.nonzero()[:, 0], there.cumsum(0) - 1
