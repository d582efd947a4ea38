"""cBN, ccBN and cSPN: what a class and the noise vector do, and what is left without them."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.channelwise import ClassTable, ConditionalAffine
from facesynth.models.normalisation.conditional_self_pixelwise import ConditionalSelfPixelwise
from facesynth.models.normalisation.modulation import Modulation
from facesynth.models.normalisation.options import NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise
from tests.models.normalisation.made_layers import drawn, features

OPTIONS = NormalisationOptions(classes=4, z_channels=5)
IDS = torch.tensor([2, 0, 3])
Z = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def members() -> list[Modulation]:
    return [
        drawn(ConditionalAffine(6, 4, None)),
        drawn(ConditionalAffine(6, 4, 5)),
        drawn(ConditionalSelfPixelwise(6, OPTIONS)),
        drawn(ConditionalSelfPixelwise(6, NormalisationOptions(classes=4, z_channels=5, mask="one", kernel=5))),
        drawn(ConditionalSelfPixelwise(6, NormalisationOptions(classes=4, z_channels=5, convolution="standard"))),
        drawn(ConditionalSelfPixelwise(6, NormalisationOptions(classes=4, noise_bias=False, padding="replicate"))),
    ]


@pytest.mark.parametrize("layer", members(), ids=lambda layer: type(layer).__name__)
def test_a_sample_depends_on_its_own_class_and_noise_alone(layer: Modulation) -> None:
    x = features()
    layer.eval()
    together = layer(x, IDS, Z)
    for index in range(3):
        alone = layer(x[index : index + 1], IDS[index : index + 1], Z[index : index + 1])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-12, rtol=1e-12)
    assert not torch.allclose(together, layer(x, IDS.flip(0), Z), atol=1e-3)


@pytest.mark.parametrize("layer", members(), ids=lambda layer: type(layer).__name__)
def test_class_weights_are_ids_when_one_hot(layer: Modulation) -> None:
    x = features()
    torch.testing.assert_close(layer(x, IDS, Z), layer(x, F.one_hot(IDS, 4).double(), Z), atol=1e-12, rtol=1e-12)


def test_several_attributes_add_up() -> None:
    table = drawn(ClassTable(4, 3))
    both = table(torch.tensor([[0.0, 1.0, 0.0, 1.0]], dtype=torch.float64))
    torch.testing.assert_close(both[0], table.weight[1] + table.weight[3])


def test_cbn_scales_and_shifts_by_the_class() -> None:
    layer, x = drawn(ConditionalAffine(6, 4, None)), features()
    gamma, beta = layer.table.weight[IDS].chunk(2, dim=1)
    expected = (1 + gamma[:, :, None, None]) * F.batch_norm(x, None, None, training=True) + beta[:, :, None, None]
    torch.testing.assert_close(layer(x, IDS, None), expected)


def test_ccbn_adds_a_linear_function_of_the_noise() -> None:
    layer, x = drawn(ConditionalAffine(6, 4, 5)), features()
    assert layer.noise_bias is not None
    field = layer.field(x, IDS, Z)
    without = layer.field(x, IDS, torch.zeros_like(Z))
    more_gamma, more_beta = layer.noise_bias(Z).chunk(2, dim=1)
    torch.testing.assert_close((field.gamma - without.gamma)[:, :, 0, 0], more_gamma)
    torch.testing.assert_close((field.shift - without.shift)[:, :, 0, 0], more_beta)


def test_ccbn_with_nothing_to_say_is_plain_batch_normalisation() -> None:
    layer, x = ConditionalAffine(6, 4, 5).double(), features()
    assert layer.noise_bias is not None
    nn.init.zeros_(layer.noise_bias.weight)  # tables begin at zero
    torch.testing.assert_close(layer(x, IDS, Z), F.batch_norm(x, None, None, training=True))


@pytest.mark.parametrize("kernel", [1, 3])
def test_cspn_with_nothing_to_say_is_spn(kernel: int) -> None:
    layer = ConditionalSelfPixelwise(6, NormalisationOptions(classes=4, z_channels=5, kernel=kernel)).double()
    plain = SelfPixelwise(6, NormalisationOptions(kernel=kernel)).double()
    plain.embed.load_state_dict(layer.embed.state_dict())
    plain.kernels.load_state_dict(layer.kernels.state_dict())
    assert layer.noise_bias is not None
    x = features()
    assert not torch.allclose(layer(x, IDS, Z), plain(x), atol=1e-3)
    nn.init.zeros_(layer.noise_bias.weight)
    torch.testing.assert_close(layer(x, IDS, Z), plain(x), atol=1e-12, rtol=1e-12)


def test_conditional_kernels_are_a_scale_and_a_shift_of_box_means() -> None:
    layer = drawn(ConditionalSelfPixelwise(6, OPTIONS))
    mask = torch.rand(3, 6, 9, 10, dtype=torch.float64)
    scales = (1 + layer.kernel_scale(IDS))[..., None, None].chunk(4, dim=1)  # w₁ of γ and β, then w₂ of both
    shifts = layer.kernel_shift(IDS)[..., None, None].chunk(4, dim=1)

    def answered(maps: Tensor, weight: Tensor, which: int) -> Tensor:
        mean = F.avg_pool2d(maps, 3, stride=1, padding=1)
        found: Tensor = scales[which] * F.conv2d(maps, weight, padding=1, groups=6) + shifts[which] * mean
        return found

    own, inverted = layer.kernels.own.chunk(2), layer.kernels.inverted.chunk(2)
    field = layer.field_of(mask, IDS, torch.zeros_like(Z))
    expected = answered(mask, own[0], 0) + answered(1 - mask, inverted[0], 2)
    torch.testing.assert_close(field.gamma, expected, atol=1e-12, rtol=1e-12)
    expected = answered(mask, own[1], 1) + answered(1 - mask, inverted[1], 3)
    torch.testing.assert_close(field.shift, expected, atol=1e-12, rtol=1e-12)


def test_without_its_noise_bias_cspn_does_not_look_at_the_noise() -> None:
    layer = drawn(ConditionalSelfPixelwise(6, NormalisationOptions(classes=4, noise_bias=False)))
    torch.testing.assert_close(layer(features(), IDS, None), layer(features(), IDS, Z))


def test_the_class_shapes_the_mask() -> None:
    layer, x = drawn(ConditionalSelfPixelwise(6, OPTIONS)), features()
    assert not torch.allclose(layer.mask(x, IDS), layer.mask(x, IDS.flip(0)), atol=1e-3)
    before = copy.deepcopy(layer)
    nn.init.zeros_(layer.mask_table.weight)
    torch.testing.assert_close(layer.mask(x, IDS), layer.mask(x, IDS.flip(0)))
    assert not torch.allclose(layer.mask(x, IDS), before.mask(x, IDS), atol=1e-3)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_classes_that_there_are_not_raise(wrong: int) -> None:
    with pytest.raises(IndexError):
        ClassTable(4, 3)(torch.tensor([0, wrong]))


def test_a_class_that_is_not_told_is_named_as_the_fault() -> None:
    for layer in members():
        with pytest.raises(ValueError, match="4 classes has to be told the class"):
            layer(features(), None, Z)
