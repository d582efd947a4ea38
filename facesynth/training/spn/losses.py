"""The adversarial losses of table 9 as functions of a discriminator's scores N; each is a mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch.nn.functional as F
from torch import Tensor

from facesynth.training.losses import hinge_discriminator, hinge_generator
from facesynth.training.runs.spn import AdversarialLoss


@dataclass(frozen=True, slots=True)
class Adversarial:
    """What the discriminator minimises, of scores of training images and of generated ones; and the generator."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


LOSSES: Mapping[AdversarialLoss, Adversarial] = MappingProxyType(
    {
        # Lim and Ye 2017.
        "hinge": Adversarial(
            lambda real, fake: hinge_discriminator([[real]], [[fake]]), lambda fake: hinge_generator([[fake]])
        ),
        # Goodfellow et al. 2014, with the generator's loss that does not saturate.
        "cross-entropy": Adversarial(
            lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(), lambda fake: F.softplus(-fake).mean()
        ),
        # Mao et al. 2017, equation 9: a = 0, b = c = 1.
        "least-squares": Adversarial(
            lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
            lambda fake: (fake - 1).square().mean() / 2,
        ),
    }
)
"""Name → its two losses. Scores are float32."""
