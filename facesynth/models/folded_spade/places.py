"""Where a label map's patterns are, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """Patterns of labels, 5×5 each, told by the 3×3 ones that they are made of.

    `inner`: K×9 labels, row by row, the number of labels where the map ends. `outer`: P×9 rows of `inner`, one for each
    of a pattern's middle nine pixels, K where the map ends.
    """

    inner: Tensor
    outer: Tensor

    def of(self, rows: Tensor) -> Neighbourhoods:
        """Some of the patterns, in that order, and no more of the 3×3 ones than they need."""
        outer = self.outer[rows]
        used = torch.zeros(len(self.inner) + 1, dtype=torch.bool, device=outer.device)
        used[outer.flatten()] = True
        renumbered = (used.cumsum(0) - 1)[outer]  # the highest number, where there is one, stays the highest
        return Neighbourhoods(self.inner[used[:-1]], renumbered)


@dataclass(frozen=True, slots=True)
class Places:
    """A label map of side×side pixels: for each of its pixels the row of a table that is meant there.

    `labels`: the label of each row's pixels. `index`: side² rows, row by row; None where each pixel has its own.
    """

    side: int
    labels: Tensor
    index: Tensor | None

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(each.nbytes for each in (self.labels, self.index) if each is not None)
