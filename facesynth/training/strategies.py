"""How an optimizer's step comes about where a batch is shared out: gradients of all parts and of all ranks, averaged.

DistributedDataParallel is not wrapped around the networks: it wants one backward pass for each forward pass, and of a
discriminator that only gives its opinion none comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from torch import Tensor, nn
from torch.optim import Optimizer

_BUCKET = 1 << 24
"""Numbers that are sent at once."""
PATIENCE = timedelta(days=1)
"""How long ranks wait for one another: as long as the first of them validates or writes. One that dies is noticed."""

_Gradients = dict[nn.Parameter, Tensor]


class Parts:
    """Keeps an optimizer's gradients until all parts of a batch were gone through, and then has their mean."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self._sums: dict[int, _Gradients] = {}
        self._seen: dict[int, int] = {}

    def add(self, optimizer: Optimizer) -> bool:
        """Take the gradients of one more part; with the last one the parameters have the mean of all: then true."""
        if self.parts == 1:
            return True
        key = id(optimizer)
        sums = self._sums.setdefault(key, {})
        for parameter in _parameters(optimizer):
            if parameter.grad is not None:
                sums[parameter] = sums[parameter].add_(parameter.grad) if parameter in sums else parameter.grad
                parameter.grad = None
        self._seen[key] = (self._seen.get(key, 0) + 1) % self.parts
        if self._seen[key]:
            return False
        for parameter, total in self._sums.pop(key).items():
            parameter.grad = total.div_(self.parts)
        return True


class InParts(SingleDeviceStrategy):
    """One device; every optimizer steps once its `step` was called for each of so many parts."""

    def __init__(self, parts: int, **options: Any) -> None:
        super().__init__(**options)
        self._parts = Parts(parts)

    def optimizer_step(self, optimizer: Any, **kwargs: Any) -> Any:
        """Step with the last part."""
        return super().optimizer_step(optimizer, **kwargs) if self._parts.add(optimizer) else None


class OnRanks(DDPStrategy):
    """Several devices, a process for each, whose networks begin alike and stay alike."""

    def __init__(self, parts: int, **options: Any) -> None:
        super().__init__(timeout=PATIENCE, **options)
        self._parts = Parts(parts)
        self.control: Any = None  # the group that speaks of numbers in main memory, once the ranks have met

    def setup_environment(self) -> None:
        """Meet the other ranks."""
        super().setup_environment()
        self.control = dist.new_group(backend="gloo", timeout=PATIENCE)

    def setup_module(self, module: nn.Module) -> Any:
        """The module as it is."""
        return module

    def optimizer_step(self, optimizer: Any, **kwargs: Any) -> Any:
        """Step with the last part, by the mean of all ranks' gradients."""
        if not self._parts.add(optimizer):
            return None
        average_gradients(optimizer, self.control)
        return super().optimizer_step(optimizer, **kwargs)


def average_gradients(optimizer: Optimizer, control: Any = None) -> None:
    """Give every parameter the mean of its gradients on all ranks; one that has none on any rank keeps none.

    All ranks get the very same numbers: each sum is made in one place and sent to all. `control` is a group for numbers
    in main memory: with it a GPU is not waited for.
    """
    parameters = list(_parameters(optimizer))
    has = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32)
    dist.all_reduce(has, op=dist.ReduceOp.MAX, group=control)
    taking = [parameter for parameter, there in zip(parameters, has.tolist(), strict=True) if there]
    for group in _buckets(taking):
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in group]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        start = 0
        for parameter, gradient in zip(group, gradients, strict=True):
            mean = flat[start : start + gradient.numel()]
            start += gradient.numel()
            parameter.grad = gradient.copy_(mean.view_as(gradient))


def _parameters(optimizer: Optimizer) -> Iterator[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _buckets(parameters: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        if bucket and sum(each.numel() for each in bucket) + parameter.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket
