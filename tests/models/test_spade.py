"""SPADE's layers against its equation, and the networks against the sizes that the papers' code has."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.spade import Spade
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec

TINY = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, spectral=False)


def millions(network: nn.Module) -> float:
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


def one_hot(seed: int, count: int = 2, size: int = 64, labels: int = 19) -> torch.Tensor:
    ids = torch.randint(0, labels, (count, size // 8, size // 8), generator=torch.Generator().manual_seed(seed))
    ids = ids.repeat_interleave(8, 1).repeat_interleave(8, 2)
    return F.one_hot(ids, labels).permute(0, 3, 1, 2).float()


def test_spade_is_its_equation() -> None:
    torch.manual_seed(0)
    layer = Spade(6, labels=19, hidden=8, style_channels=None).train()
    x, label_map = torch.randn(3, 6, 16, 16) * 3 + 1, one_hot(1, 3, 16)
    gamma, beta = layer.gamma_beta(F.relu(layer.shared(label_map))).chunk(2, dim=1)
    mean = x.mean((0, 2, 3), keepdim=True)
    deviation = ((x * x).mean((0, 2, 3), keepdim=True) - mean * mean + 1e-5).sqrt()
    expected = (1 + gamma) * (x - mean) / deviation + beta
    torch.testing.assert_close(layer(x, label_map, torch.zeros(3, 1)), expected, atol=1e-4, rtol=1e-4)


def test_gamma_and_beta_depend_on_labels_alone() -> None:
    torch.manual_seed(0)
    layer = Spade(6, labels=19, hidden=8, style_channels=4).eval()
    label_map, x = one_hot(1, 2, 16), torch.zeros(2, 6, 16, 16)
    # With x̂ = 0 the layer is (1 + a)·β + b; where the labels agree, two styles differ by one affine a channel.
    first, second = (layer(x, label_map, torch.randn(2, 4)) for _ in range(2))
    for sample in range(2):
        for channel in range(6):
            a, b = first[sample, channel].flatten(), second[sample, channel].flatten()
            design = torch.stack([a, torch.ones_like(a)], dim=1)
            residual = design @ torch.linalg.lstsq(design, b[:, None]).solution - b[:, None]
            assert residual.abs().max() < 1e-4


def test_parameter_counts_are_those_of_nvlabs_spade() -> None:
    with torch.device("meta"):
        assert millions(SpadeGenerator(GeneratorSpec())) == pytest.approx(109.21, abs=0.01)
        assert millions(StyleEncoder(EncoderSpec())) == pytest.approx(10.47, abs=0.01)
        assert millions(Discriminator(DiscriminatorSpec())) == pytest.approx(5.57, abs=0.01)
        assert millions(SpadeGenerator(GeneratorSpec(size=512, start=8))) == pytest.approx(109.21, abs=0.01)
        assert millions(SpadeGenerator(GeneratorSpec(size=512, start=4))) == pytest.approx(97.04, abs=0.01)


@pytest.mark.parametrize(("size", "start"), [(64, 2), (64, 1), (128, 1)])
def test_generator_paints_its_size_in_range(size: int, start: int) -> None:
    spec = GeneratorSpec(size=size, start=start, style_channels=8, width=4, max_width=16, spade_hidden=8, noise=True)
    network = SpadeGenerator(spec).eval()
    noise = [torch.randn(1, 1, side, side) for side in network.noise_sides]
    picture = network(one_hot(0, 1, size), torch.randn(1, 8), noise)
    assert picture.shape == (1, 3, size, size)
    assert picture.abs().max() <= 1


def test_style_changes_the_picture_and_noise_does_once_it_has_weight() -> None:
    torch.manual_seed(0)
    spec = GeneratorSpec(
        size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, noise=True, style_affine=True
    )
    network = SpadeGenerator(spec).eval()
    label_map, style = one_hot(0, 1), torch.randn(1, 8)
    noise = [torch.randn(1, 1, side, side) for side in network.noise_sides]
    plain = network(label_map, style)
    assert not torch.allclose(plain, network(label_map, torch.randn(1, 8)), atol=1e-4)
    torch.testing.assert_close(plain, network(label_map, style, noise))
    for name, parameter in network.named_parameters():
        if ".noise_" in name:
            nn.init.constant_(parameter, 0.5)
    assert not torch.allclose(plain, network(label_map, style, noise), atol=1e-4)


def test_generator_refuses_a_size_it_cannot_double_up_to() -> None:
    for size, start in ((100, 8), (64, 16), (2048, 8)):
        with pytest.raises(ValueError, match=f"times start {start}"):
            GeneratorSpec(size=size, start=start)


def test_encoder_reads_any_size_and_discriminator_has_two_scales() -> None:
    encoder = StyleEncoder(EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16)).eval()
    mean, log_variance = encoder(torch.randn(2, 3, 100, 100))
    assert mean.shape == log_variance.shape == (2, 8)
    outputs = Discriminator(DiscriminatorSpec(width=4, max_width=16)).eval()(one_hot(0), torch.randn(2, 3, 64, 64))
    assert [len(scale) for scale in outputs] == [5, 5]
    assert outputs[0][-1].shape[1] == 1
    assert outputs[0][-1].shape[-1] > outputs[1][-1].shape[-1]
