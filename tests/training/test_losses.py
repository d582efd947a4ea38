"""The losses against their formulas, and that none depends on the size of the batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facesynth.training.losses import feature_matching, hinge_discriminator, hinge_generator, kl_divergence


def outputs(seed: int, count: int) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(count, 4, 8, 8, generator=generator) for _ in range(3)] for _ in range(2)]


def doubled(value: list[list[Tensor]]) -> list[list[Tensor]]:
    return [[torch.cat([layer, layer]) for layer in scale] for scale in value]


def test_kl_divergence_is_torch_distributions() -> None:
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(kl_divergence(mean, log_variance), expected)
    assert kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_no_loss_depends_on_the_size_of_the_batch() -> None:
    real, fake = outputs(0, 3), outputs(1, 3)
    mean, log_variance = torch.randn(3, 7), torch.randn(3, 7)
    for once, twice in (
        (hinge_discriminator(real, fake), hinge_discriminator(doubled(real), doubled(fake))),
        (hinge_generator(fake), hinge_generator(doubled(fake))),
        (feature_matching(real, fake), feature_matching(doubled(real), doubled(fake))),
        (
            kl_divergence(mean, log_variance),
            kl_divergence(torch.cat([mean, mean]), torch.cat([log_variance, log_variance])),
        ),
    ):
        torch.testing.assert_close(once, twice)


def test_hinge_is_zero_past_the_margin_and_feature_matching_between_equals() -> None:
    sure, unsure = [[torch.full((1, 1, 2, 2), 1.5)]], [[torch.zeros(1, 1, 2, 2)]]
    denied = [[torch.full((1, 1, 2, 2), -1.5)]]
    assert hinge_discriminator(sure, denied) == 0
    assert hinge_discriminator(unsure, unsure) == 2
    assert hinge_generator(sure) == pytest.approx(-1.5)
    assert feature_matching(outputs(0, 2), outputs(0, 2)) == 0


def test_feature_matching_leaves_the_real_side_alone() -> None:
    real, fake = outputs(0, 1), outputs(1, 1)
    for scale in (*real, *fake):
        for layer in scale:
            layer.requires_grad_()
    feature_matching(real, fake).backward()  # type: ignore[no-untyped-call]
    assert all(layer.grad is None for scale in real for layer in scale)
    assert all(layer.grad is not None for scale in fake for layer in scale[:-1])


def test_feature_matching_counts_where_photo_and_label_map_agree() -> None:
    real, fake = outputs(0, 2), outputs(1, 2)
    everywhere, nowhere = torch.ones(2, 1, 32, 32), torch.zeros(2, 1, 32, 32)
    torch.testing.assert_close(feature_matching(real, fake, everywhere), feature_matching(real, fake))
    assert feature_matching(real, fake, nowhere) == 0
    first = everywhere.clone()
    first[1] = 0
    alone = [[layer[:1] for layer in scale] for scale in real], [[layer[:1] for layer in scale] for scale in fake]
    torch.testing.assert_close(feature_matching(real, fake, first), feature_matching(*alone) / 2)
