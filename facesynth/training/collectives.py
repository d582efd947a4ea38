"""What the ranks of a training run tell one another. A rank is a process that trains on its own rows of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor

from facesynth.training.strategies import OnRanks


@dataclass(frozen=True, slots=True)
class Ranks:
    """This rank and how many there are; `control` is a group of theirs that speaks of numbers in main memory."""

    rank: int = 0
    count: int = 1
    control: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the one rank that writes files."""
        return self.rank == 0

    def any_of(self, *flags: bool) -> list[bool]:
        """Each flag: whether it is set on any rank. A GPU is not waited for, but all ranks wait for the last one."""
        if self.count == 1:
            return list(flags)
        told = torch.tensor(flags, dtype=torch.int32)
        dist.all_reduce(told, op=dist.ReduceOp.MAX, group=self.control)
        return [bool(flag) for flag in told.tolist()]

    def means(self, values: Sequence[float]) -> list[float]:
        """The mean over all ranks of each value, the same on all of them."""
        return self._reduced(values, dist.ReduceOp.SUM, self.count) if self.count > 1 else list(values)

    def least(self, values: Sequence[float]) -> list[float]:
        """The least over all ranks of each value."""
        return self._reduced(values, dist.ReduceOp.MIN, 1) if self.count > 1 else list(values)

    def _reduced(self, values: Sequence[float], operation: Any, share: int) -> list[float]:
        told = torch.tensor(list(values), dtype=torch.float64)
        dist.all_reduce(told, op=operation, group=self.control)
        return [value / share for value in told.tolist()]

    def total(self, value: Tensor) -> Tensor:
        """The sum over all ranks, with its gradient: for sums of which a loss of the whole batch is made."""
        if self.count == 1:
            return value
        summed: Tensor = _Total.apply(value)
        return summed


ALONE = Ranks()


def ranks_of(fabric: Fabric) -> Ranks:
    """The ranks of a Fabric that was launched."""
    if fabric.world_size == 1:
        return ALONE
    strategy = fabric.strategy
    assert isinstance(strategy, OnRanks)
    return Ranks(fabric.global_rank, fabric.world_size, strategy.control)


class _Total(torch.autograd.Function):
    """All-reduced sum. Each rank's loss depends on each rank's value: the gradient is all ranks' gradients, summed."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        summed = value.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed
