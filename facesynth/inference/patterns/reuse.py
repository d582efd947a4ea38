"""What a label map's tables take from those of other label maps, and what is left to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesynth.inference.patterns.finding import LabelPatterns
from facesynth.models.folded_spade.modulation import FoldedSpade
from facesynth.models.folded_spade.places import Neighbourhoods


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of P patterns come about.

    `taken`: for some of the others (by their number) which rows to take from there, and which they are here. `fresh`:
    the rows to compute, whose patterns `patterns` tells.
    """

    count: int
    taken: Sequence[tuple[int, Tensor, Tensor]]
    fresh: Tensor
    patterns: Neighbourhoods

    def rows(self, layer: FoldedSpade, others: Sequence[Tensor]) -> Tensor:
        """P×2C of a layer; `others` are the rows that the other label maps have of it."""
        fresh = layer.rows(self.patterns) if len(self.fresh) else None
        if fresh is not None and not self.taken:
            return fresh
        made = torch.empty(self.count, layer.wide, dtype=layer.dtype)
        for number, there, here in self.taken:
            made[here] = others[number][there]
        if fresh is not None:
            made[self.fresh] = fresh
        return made


def plan(patterns: LabelPatterns, others: Sequence[Mapping[bytes, int]]) -> Plan:
    """Take what others have, the first of them first; `others`: for each the rows of the patterns it knows."""
    missing = dict(zip(patterns.keys, range(len(patterns.keys)), strict=True))
    taken: list[tuple[int, Tensor, Tensor]] = []
    for number, known in enumerate(others):
        if found := missing.keys() & known.keys():
            there = torch.tensor([known[key] for key in found])
            taken.append((number, there, torch.tensor([missing.pop(key) for key in found])))
    every = Neighbourhoods(torch.from_numpy(patterns.inner), torch.from_numpy(patterns.outer))
    fresh = torch.tensor(list(missing.values()), dtype=torch.int64)
    return Plan(len(patterns.keys), taken, fresh, every.of(fresh) if taken else every)
