"""The adversarial term of pix2pix (Isola et al. 2017): do this photo and this label map belong together?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.models.discriminator import Discriminator
from facesynth.training.initial import initialise
from facesynth.training.losses import hinge_discriminator, hinge_generator
from facesynth.training.runs.parser import ParserRun


class Critic:
    """A patch discriminator of (photo, label map) pairs, with its optimizer.

    Label maps are N×L×H×W, one-hot or probabilities; photos N×3×H×W, ImageNet-normalised.
    """

    def __init__(self, config: ParserRun, fabric: Fabric) -> None:
        network = Discriminator(config.discriminator)
        initialise(network)
        network = network.to(memory_format=torch.channels_last)
        self._rate, self._fabric = config.discriminator_learning_rate, fabric
        adam = torch.optim.Adam(network.parameters(), lr=self._rate, betas=(0.0, 0.9))
        self._network, self._adam = fabric.setup(network, adam)

    @property
    def network(self) -> nn.Module:
        """The discriminator itself."""
        module: nn.Module = self._network.module
        return module

    def opinion(self, probabilities: Tensor, photos: Tensor) -> Tensor:
        """The parser's loss: low where its label maps pass for drawn ones (hinge)."""
        self._network.requires_grad_(False)
        loss = hinge_generator(self._network(probabilities, photos))
        self._network.requires_grad_(True)
        return loss

    def learn(self, probabilities: Tensor, labels: Tensor, photos: Tensor, pace: float) -> Tensor:
        """One Adam step that tells label maps N×H×W from the parser's; returns the loss (hinge)."""
        drawn = F.one_hot(labels, probabilities.shape[1]).permute(0, 3, 1, 2).to(probabilities.dtype)
        count = len(drawn)
        outputs = self._network(torch.cat([probabilities.detach(), drawn]), torch.cat([photos, photos]))
        fake = [[layer[:count] for layer in scale] for scale in outputs]
        real = [[layer[count:] for layer in scale] for scale in outputs]
        loss = hinge_discriminator(real, fake)
        for group in self._adam.param_groups:
            group["lr"] = self._rate * pace
        self._adam.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        self._adam.step()
        return loss

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {"network": self._network.module.state_dict(), "adam": self._adam.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state` returned."""
        self._network.module.load_state_dict(state["network"])
        self._adam.load_state_dict(state["adam"])
