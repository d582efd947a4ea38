"""What x̂ is: x less a mean, over a deviation, taken over one set or another; without parameters of its own.

Papers on SPN give neither ε nor momentum; these are PyTorch's 1e-5 and 0.1.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class BatchStatistics(nn.BatchNorm2d):
    """Over the batch and all pixels, a channel (Ioffe and Szegedy 2015); running ones in evaluation mode."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)

    def scaled(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """`scale·x̂ + shift` in one go; both have C numbers."""
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain mean over all passes, as PyTorch's own layers have it
                momentum = 1 / int(self.num_batches_tracked)
        return F.batch_norm(x, self.running_mean, self.running_var, scale, shift, self.training, momentum, self.eps)


class InstanceStatistics(nn.InstanceNorm2d):
    """Over the pixels of one sample, a channel (Ulyanov et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)

    def scaled(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """`scale·x̂ + shift` in one go; both have C numbers."""
        return F.instance_norm(x, weight=scale, bias=shift, eps=self.eps)


class LayerStatistics(nn.GroupNorm):
    """Over all channels and pixels of one sample (Ba et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels, affine=False)

    def scaled(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """`scale·x̂ + shift` in one go; both have C numbers."""
        return F.group_norm(x, 1, scale, shift, self.eps)


Statistics = BatchStatistics | InstanceStatistics | LayerStatistics
