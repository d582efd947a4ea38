"""The two discriminators in training: each with its optimizer, what it says to the painter, and how it learns."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import Generator, Tensor, nn

from facesynth.models.discriminator import Discriminator
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.learner import Learner
from facesynth.training.losses import Outputs, feature_matching, hinge_discriminator, hinge_generator
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.spade.batches import View
from facesynth.training.spade.segmentation_losses import (
    balanced_cross_entropy,
    balanced_mean,
    label_mixture,
    mean_where,
    mixing_consistency,
    painted_cross_entropy,
)

Terms = dict[str, tuple[float, Tensor]]
"""Losses of the painter by name: (weight, value)."""


class _Critic(Learner):
    """A discriminator with its optimizer."""

    def __init__(self, network: nn.Module, config: SpadeRun, fabric: Fabric) -> None:
        super().__init__(network, config.discriminator_learning_rate, config.betas, fabric)
        self._weights = config.losses


class PatchCritic(_Critic):
    """The multi-scale patch discriminator: do picture and label map belong together? (Park et al. 2019)."""

    def __init__(self, network: Discriminator, config: SpadeRun, fabric: Fabric) -> None:
        super().__init__(network, config, fabric)

    def opinion(self, view: View) -> Terms:
        """The painter's losses: hinge and feature matching."""
        self._network.requires_grad_(False)
        fake, real = self._judged(view)
        self._network.requires_grad_(True)
        return {
            "adversarial": (self._weights.adversarial, hinge_generator(fake)),
            "feature_matching": (self._weights.feature_matching, feature_matching(real, fake, view.agreement)),
        }

    def learn(self, view: View) -> dict[str, Tensor]:
        """One step of telling photos from painted pictures; its loss (hinge) and its mean scores by name."""
        fake, real = self._judged(view)
        loss = hinge_discriminator(real, fake)
        self.descend(loss)
        with torch.no_grad():
            return {"loss/discriminator": loss, "score/real": _score(real), "score/fake": _score(fake)}

    def _judged(self, view: View) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """The discriminator's outputs for (painted, real); both go through it as one batch, as in NVlabs/SPADE."""
        outputs = self._network(torch.cat([view.told, view.told]), torch.cat([view.painted, view.faces]))
        count = len(view.painted)
        fake = [[layer[:count] for layer in scale] for scale in outputs]
        return fake, [[layer[count:] for layer in scale] for scale in outputs]


class SegmentationCritic(_Critic):
    """The segmentation discriminator: which label has this pixel, or was it painted? (Schönfeld et al. 2021)."""

    def __init__(
        self, network: SegmentationDiscriminator, config: SpadeRun, fabric: Fabric, ranks: Ranks = ALONE
    ) -> None:
        super().__init__(network, config, fabric)
        self._ranks = ranks

    def opinion(self, view: View) -> Terms:
        """The painter's loss: painted pixels should be taken for real ones of the label that was asked for."""
        self._network.requires_grad_(False)
        logits = self._network(view.painted)
        self._network.requires_grad_(True)
        loss = balanced_cross_entropy(logits, view.wanted, self._ranks)
        return {"segmentation": (self._weights.segmentation, loss)}

    def learn(self, view: View, generator: Generator) -> dict[str, Tensor]:
        """One step of telling labels and painted pixels apart, with label mixing; losses and recalls by name.

        A photo's target is always its own label map. Samples whose painted picture follows another one are not mixed.
        """
        count, weight, ranks = len(view.painted), self._weights.label_mix, self._ranks
        pictures = [view.painted, view.faces]
        mask = label_mixture(view.own, generator)
        if weight:
            pictures.append(mask * view.faces + (1 - mask) * view.painted)
        fake, real, *mixed = self._network(torch.cat(pictures)).split(count)
        loss = balanced_cross_entropy(real, view.own, ranks) + painted_cross_entropy(fake, view.visible, ranks)
        losses = {"loss/segmentation_discriminator": loss}
        if weight:
            losses["loss/label_mix"] = mixing_consistency(real, fake, mixed[0], mask, view.shared, ranks)
            loss = loss + weight * losses["loss/label_mix"]
        self.descend(loss)
        with torch.no_grad():
            told = real.argmax(1, keepdim=True) == view.own.argmax(1, keepdim=True)
            unmasked = fake.argmax(1, keepdim=True) == fake.shape[1] - 1
            losses["score/labelled"] = balanced_mean(told.float(), view.own, ranks)
            losses["score/unmasked"] = mean_where(unmasked.float(), view.visible, ranks)
        return losses


def _score(outputs: Outputs) -> Tensor:
    return torch.stack([scale[-1].float().mean() for scale in outputs]).mean()
