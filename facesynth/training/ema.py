"""An exponential moving average of a network, with its half-life counted in images."""

from __future__ import annotations

import copy

import torch
from torch import nn

from facesynth.training.joined_norm import separate_norms


class Ema:
    """A slow copy of `module` that follows it; parameters are averaged, buffers are copied. One rank can use it alone.

    The half-life is ramped up (it never passes a tenth of the images shown), so that early averages forget the
    random start (Karras et al. 2024, appendix).
    """

    def __init__(self, module: nn.Module, half_life: int) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        separate_norms(self.module)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, module: nn.Module, nimg: int, batch_size: int) -> None:
        """Move towards `module` after a step on `batch_size` images, `nimg` images shown so far."""
        half_life = min(self.half_life, max(nimg, 1) * 0.1)
        decay = 0.5 ** (batch_size / half_life)
        slow = [parameter.data for parameter in self.module.parameters()]
        fast = [parameter.data for parameter in module.parameters()]
        torch._foreach_lerp_(slow, fast, 1.0 - decay)
        for old, new in zip(self.module.buffers(), module.buffers(), strict=True):
            old.copy_(new)
