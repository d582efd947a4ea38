"""The residual discriminator of table 2, and the projection of a class."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec


def tiny(**changes: Any) -> ResnetDiscriminator:
    torch.manual_seed(0)
    return ResnetDiscriminator(ResnetDiscriminatorSpec(**{"width": 4, "max_width": 8, "flat": 1, **changes}))


def test_channels_are_those_of_table_2() -> None:
    assert ResnetDiscriminatorSpec().widths == (128, 128, 128, 128)
    large = ResnetDiscriminatorSpec(width=64, max_width=512, halvings=5, flat=1)
    assert large.widths == (64, 128, 256, 512, 512, 512)


def test_it_scores_each_picture_by_itself_at_any_size() -> None:
    network = tiny().eval()
    for side in (16, 24):
        pictures = torch.randn(3, 3, side, side)
        scores = network(pictures)
        assert scores.shape == (3,)
        torch.testing.assert_close(network(pictures[1:2]), scores[1:2])


def test_a_class_counts_by_its_projection_on_the_features() -> None:
    """D(x, y) - D(x, y') = (e_y - e_y')·φ(x)"""
    network = tiny(classes=5).double().eval()
    pictures = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    one, other = torch.tensor([0, 1, 2]), torch.tensor([3, 3, 4])
    assert network.embedding is not None
    rows = network.embedding.get_parameter("parametrizations.weight.original")
    norm = torch.linalg.matrix_norm(rows, 2)
    expected = ((rows[one] - rows[other]) / norm * network.features(pictures)).sum(1)
    torch.testing.assert_close(network(pictures, one) - network(pictures, other), expected, atol=1e-2, rtol=1e-2)
    with pytest.raises(ValueError, match="5 classes"):
        network(pictures)


def test_features_are_sums_over_pixels() -> None:
    network = tiny(halvings=1, flat=0, spectral=False).eval()
    picture = torch.zeros(1, 3, 16, 16)
    picture[..., 8, 8] = 1
    moved = picture.roll((2, 4), (2, 3))  # by whole pooling windows, and away from the border
    assert not torch.allclose(network(picture), network(torch.zeros_like(picture)))
    torch.testing.assert_close(network(picture), network(moved))


def test_all_weights_are_spectrally_normalised_and_whole_before_any_training_pass() -> None:
    torch.manual_seed(0)
    network = tiny(classes=3).eval()
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert all(nn.utils.parametrize.is_parametrized(layer) for layer in [*layers, network.embedding])  # type: ignore[arg-type]
    scores = network(torch.randn(8, 3, 16, 16), torch.zeros(8, dtype=torch.long))
    assert scores.abs().max() < 1e3  # torch's older spectral norm gives 1e11 here


def test_gradients_reach_every_parameter_and_the_pictures() -> None:
    network = tiny(classes=3)
    pictures = torch.randn(4, 3, 16, 16, requires_grad=True)
    (network(pictures, torch.tensor([0, 1, 2, 0])) * torch.randn(4)).sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in network.parameters())
    assert pictures.grad is not None and pictures.grad.abs().sum() > 0


def test_specs_that_make_no_network_are_refused() -> None:
    for changes in ({"width": 0}, {"width": 300}, {"halvings": 0}, {"halvings": 11}, {"flat": -1}, {"classes": -1}):
        with pytest.raises(ValueError, match="discriminator"):
            ResnetDiscriminatorSpec(**changes)  # type: ignore[arg-type]
