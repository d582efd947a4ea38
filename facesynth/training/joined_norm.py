"""Batch normalisation over the samples of all ranks, on CPUs too, which torch's SyncBatchNorm refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from facesynth.models.normalisation.statistics import BatchStatistics

_KINDS: tuple[type[nn.BatchNorm2d], ...] = (nn.BatchNorm2d, BatchStatistics)


class _Joined(torch.autograd.Function):
    """`weight·(x - mean)/√(var + ε) + bias` with the mean and the biased variance over N, H and W of all ranks' x.

    With x̂ = (x - mean)/√(var + ε) and means over the same set, the gradient is
    dx = weight/√(var + ε) · (dy - mean(dy) - x̂·mean(dy·x̂)) (Ioffe and Szegedy 2015, section 3). Each rank's loss
    depends on all x, so that both means are over the gradients of all ranks' losses. Those of weight and bias are this
    rank's share, as with every other parameter.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        planes = _exact(x)
        count, channels = x.numel() // x.shape[1], x.shape[1]
        variance, mean = torch.var_mean(planes, (0, 2, 3), correction=0)
        mine = torch.cat([mean.new_tensor([count]), mean, variance])
        told = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        dist.all_gather(told, mine)
        together = torch.stack(told).double()
        counts, means, variances = together[:, :1], together[:, 1 : 1 + channels], together[:, 1 + channels :]
        total = counts.sum()
        mean = (counts * means).sum(0) / total
        # Each rank's scatter about the common mean (Chan, Golub and LeVeque 1979): sums of squares would lose digits.
        variance = (counts * (variances + (means - mean).square())).sum(0) / total
        mean, variance = mean.to(planes.dtype), variance.to(planes.dtype)
        inverse = (variance + epsilon).rsqrt()
        scale = inverse if weight is None else inverse * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        ctx.save_for_backward(x, mean, inverse, scale)
        ctx.shares, ctx.total = (weight is not None, bias is not None), total
        ctx.mark_non_differentiable(mean, variance, total)
        y = torch.addcmul(shift[:, None, None], planes, scale[:, None, None]).to(x.dtype)
        return y, mean, variance, total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        x, mean, inverse, scale = ctx.saved_tensors
        dy, planes = _exact(gradients[0]), _exact(x)
        sums = dy.sum((0, 2, 3))
        products = ((dy * planes).sum((0, 2, 3)) - mean * sums) * inverse  # Σ dy·x̂
        both = torch.stack([sums, products])
        dist.all_reduce(both)
        mean_dy, mean_product = (both / ctx.total).to(planes.dtype)
        slope = -scale * inverse * mean_product
        constant = -scale * mean_dy - slope * mean
        dx = torch.addcmul(constant[:, None, None], dy, scale[:, None, None])
        dx = torch.addcmul(dx, planes, slope[:, None, None]).to(x.dtype)
        has_weight, has_bias = ctx.shares
        return dx, products if has_weight else None, sums if has_bias else None, None


class JoinedBatchNorm2d(BatchStatistics):
    """Batch normalisation whose batch is that of all ranks: in training every rank has to go through it together."""

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W → the same; as `nn.BatchNorm2d` on all ranks' x, one after the other."""
        if not self.training:
            return super().forward(x)
        return _apart_from_programs(self, x, self.weight, self.bias)

    def scaled(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """As `BatchStatistics.scaled`."""
        if not self.training:
            return super().scaled(x, scale, shift)
        return _apart_from_programs(self, x, scale, shift)


def _over_all_ranks(norm: nn.BatchNorm2d, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    y, mean, variance, total = _Joined.apply(x, weight, bias, norm.eps)
    _follow(norm, mean, variance, total)
    normalised: Tensor = y
    return normalised


# No program can be made of what ranks say to one another.
_apart_from_programs: Callable[..., Tensor] = torch.compiler.disable(_over_all_ranks)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _follow(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, total: Tensor) -> None:
    """Move the running statistics, of which the variance is the unbiased one."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = norm.momentum if norm.momentum is not None else 1 / norm.num_batches_tracked.item()
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_((variance * (total / (total - 1))).to(variance.dtype), momentum)


def join_norms(network: nn.Module) -> None:
    """Let every batch normalisation of a network be over all ranks; parameters and statistics stay what they are.

    TypeError for a kind of batch normalisation that is not known here.
    """
    for norm in _norms(network):
        if type(norm) not in (*_KINDS, JoinedBatchNorm2d):
            raise TypeError(f"{type(norm).__name__} cannot be joined over ranks")
        norm.joined_from = type(norm)  # type: ignore[assignment]
        norm.__class__ = JoinedBatchNorm2d


def separate_norms(network: nn.Module) -> None:
    """Undo `join_norms`: for a copy that one rank goes through alone."""
    for norm in _norms(network):
        if isinstance(norm, JoinedBatchNorm2d):
            norm.__class__ = norm.joined_from  # type: ignore[assignment]


def _exact(x: Tensor) -> Tensor:
    """In float32 at least: statistics of half precision would lose digits."""
    return x if x.dtype == torch.float64 else x.float()


def _norms(network: nn.Module) -> Iterator[nn.BatchNorm2d]:
    return (module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
