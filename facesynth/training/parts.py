"""A step whose batch is gone through in parts: what has to be the same as if it were gone through at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import parametrize

from facesynth.training.rows import Rows


class PartMeans:
    """The losses of a step: means over its parts."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add those of a part."""
        for name, loss in losses.items():
            value = loss.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def taken(self, parts: int) -> dict[str, Tensor]:
        """The means; of one part what was added."""
        return self._sums if parts == 1 else {name: total / parts for name, total in self._sums.items()}


def hold_power_iterations(networks: Iterable[nn.Module]) -> None:
    """Let spectral normalisation find σ anew no more: parts after the first are divided by the same as the first."""
    for each in _parametrizations(networks):
        each.eval()


def resume_power_iterations(networks: Iterable[nn.Module]) -> None:
    """Undo `hold_power_iterations`."""
    for each in _parametrizations(networks):
        each.train()


def tossed_before(rows: Rows, labels: int, generator: Generator) -> None:
    """Toss the coins of the rows before these, one a label, so that the next ones are these rows' own."""
    if rows.first:
        torch.randint(0, 2, (rows.first, labels), generator=generator)


def _parametrizations(networks: Iterable[nn.Module]) -> Iterator[nn.Module]:
    for network in networks:
        for module in network.modules():
            if isinstance(module, parametrize.ParametrizationList):
                yield module
