"""Batch statistics of averaged networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from facesynth.models.normalisation.channelwise import ChannelAffine
from facesynth.models.normalisation.statistics import BatchStatistics
from facesynth.training.averaging import measure_statistics


@pytest.mark.parametrize("kind", ["plain", "scaled"])
def test_they_are_the_mean_over_all_passes(kind: str) -> None:
    """Of PyTorch's own, and of one whose scale and shift are given to it."""
    net: nn.Module = nn.BatchNorm2d(3) if kind == "plain" else ChannelAffine(BatchStatistics(3), 3)
    batches = torch.randn(4, 5, 3, 6, 6, generator=torch.Generator().manual_seed(0)) * 3 + 7
    net.train()
    net(torch.zeros(2, 3, 2, 2))  # what it learnt before is forgotten
    measure_statistics(net, lambda number: net(batches[number]), len(batches))
    norm = next(module for module in net.modules() if isinstance(module, nn.BatchNorm2d))
    assert norm.running_mean is not None and norm.running_var is not None and not norm.training
    torch.testing.assert_close(norm.running_mean, batches.mean((1, 3, 4)).mean(0))
    torch.testing.assert_close(norm.running_var, batches.var((1, 3, 4)).mean(0))
