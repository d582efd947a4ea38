"""A network in training with its optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


class Learner:
    """A network that learns by Adam, at a share of its learning rate that changes from step to step."""

    def __init__(self, network: nn.Module, rate: float, betas: tuple[float, float], fabric: Fabric) -> None:
        network = network.to(memory_format=torch.channels_last)
        self._rate, self._fabric = rate, fabric
        adam = torch.optim.Adam(network.parameters(), lr=rate, betas=betas)
        self._network, self._adam = fabric.setup(network, adam)

    @property
    def network(self) -> nn.Module:
        """The network itself."""
        module: nn.Module = self._network.module
        return module

    def __call__(self, *given: Any) -> Any:
        """What the network makes of it, at the run's precision."""
        return self._network(*given)

    def set_pace(self, pace: float) -> None:
        """Learn at this share of the learning rate from now on."""
        for group in self._adam.param_groups:
            group["lr"] = self._rate * pace

    def train(self) -> None:
        """Put the network into training mode."""
        self._network.train()

    def descend(self, loss: Tensor) -> None:
        """One step down a loss, or of one of the parts that a step is gone through in."""
        self._adam.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        self._adam.step()

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {"network": self.network.state_dict(), "adam": self._adam.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state` returned."""
        self.network.load_state_dict(state["network"])
        self._adam.load_state_dict(state["adam"])
