"""Batch statistics of averaged networks: the running ones belong to the raw network, whose weights are others."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


@torch.no_grad()
def measure_statistics(network: nn.Module, go_through: Callable[[int], object], passes: int) -> None:
    """Give every batch normalisation the plain mean of its statistics over passes number 0, 1, … (imaginaire too)."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
    for number in range(passes):
        for norm in norms:
            norm.momentum = 1 / (number + 1)
        go_through(number)
    for norm in norms:
        norm.eval()
