"""The adversarial losses against their papers' formulas, and which way they push."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from facesynth.training.runs.spn import AdversarialLoss
from facesynth.training.spn.losses import LOSSES

REAL, FAKE = torch.tensor([0.5, 3.0, -2.0]), torch.tensor([-4.0, 0.25, 1.0])


def test_every_name_has_its_losses() -> None:
    assert set(LOSSES) == set(get_args(AdversarialLoss))


def test_they_are_what_the_papers_say() -> None:
    sigmoid = torch.sigmoid
    wanted = {
        "hinge": ((1 - REAL).clamp_min(0).mean() + (1 + FAKE).clamp_min(0).mean(), -FAKE.mean()),
        "cross-entropy": (-sigmoid(REAL).log().mean() - (1 - sigmoid(FAKE)).log().mean(), -sigmoid(FAKE).log().mean()),
        "least-squares": (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, ((FAKE - 1) ** 2).mean() / 2),
    }
    for name, loss in LOSSES.items():
        torch.testing.assert_close(loss.discriminator(REAL, FAKE), wanted[name][0])
        torch.testing.assert_close(loss.generator(FAKE), wanted[name][1])


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_networks_pull_the_scores_of_generated_pictures_apart(name: AdversarialLoss) -> None:
    fake = torch.zeros(4, requires_grad=True)
    [mine] = torch.autograd.grad(LOSSES[name].generator(fake), fake)
    [theirs] = torch.autograd.grad(LOSSES[name].discriminator(REAL, fake + 0.1), fake)
    assert (mine < 0).all() and (theirs > 0).all()
