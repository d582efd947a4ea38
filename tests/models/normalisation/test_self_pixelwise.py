"""SPN against figure 8 of its paper, and what its equations say: each in float64, border and interior apart."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.models.normalisation.options import NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise
from facesynth.models.normalisation.statistics import BatchStatistics, LayerStatistics
from tests.models.normalisation.figure_8 import Figure8
from tests.models.normalisation.made_layers import features, inside, spn

VARIANTS: list[dict[str, Any]] = [
    {"kernel": kernel, "padding": padding, **more}
    for kernel in (1, 3, 5)
    for padding in ("zeros", "replicate")
    for more in ({}, {"mask": "one"}, {"convolution": "standard"})
]


def batch_normalised(x: Tensor) -> Tensor:
    """x̂ of a training batch."""
    return F.batch_norm(x, None, None, training=True)


def upsampled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def constants(layer: SelfPixelwise, mask: Tensor) -> tuple[Tensor, Tensor]:
    """γ and β a channel where a depthwise kernel sees nothing but one value of the mask; ...×C → ...×C×1×1."""
    own, inverted = (layer.kernels.get_parameter(name).sum((1, 2, 3)) for name in ("own", "inverted"))
    half = mask.shape[-1]
    gamma = mask * own[:half] + (1 - mask) * inverted[:half]
    beta = mask * own[half:] + (1 - mask) * inverted[half:]
    return gamma[..., None, None], beta[..., None, None]


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_it_is_figure_8_in_training_with_its_gradients_and_in_evaluation(kernel: int) -> None:
    layer = spn(kernel=kernel)
    literal = Figure8.of(layer)
    x, back = features(), torch.randn(3, 6, 9, 10, dtype=torch.float64)
    gradients = []
    for each in (layer, literal):
        given = x.clone().requires_grad_()
        y = each(given, None, None)
        y.backward(back)
        assert given.grad is not None
        gradients.append((y.detach(), given.grad))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)
    for name in ("gamma", "beta"):
        half = 0 if name == "gamma" else 1
        for side in ("own", "inverted"):
            expected = literal.depthwise[f"{name}_{side}"].get_parameter("weight").grad
            found = layer.kernels.get_parameter(side).grad
            assert found is not None and expected is not None
            torch.testing.assert_close(found.chunk(2)[half], expected, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(layer.mask_gamma.grad, literal.mask_norm.weight.grad, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(layer.mask_beta.grad, literal.mask_norm.bias.grad, atol=1e-10, rtol=1e-10)
    # One pass for the statistics: both of the literal one's follow what the only ones here do.
    for norm in (literal.mask_norm, literal.normalise):
        torch.testing.assert_close(norm.running_mean, layer.normalise.running_mean)
        torch.testing.assert_close(norm.running_var, layer.normalise.running_var)
    other = features(seed=5)
    torch.testing.assert_close(layer.eval()(other), literal.eval()(other), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(map(str, options.values())))
def test_gamma_and_beta_are_equations_2_and_3_border_included(options: dict[str, Any]) -> None:
    layer = spn(**options)
    kernels, margin = layer.kernels, options["kernel"] // 2
    mask = torch.rand(3, 1 if options.get("mask") else 6, 9, 10, dtype=torch.float64)
    mode = "constant" if options["padding"] == "zeros" else "replicate"

    def convolved(maps: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(F.pad(maps, (margin,) * 4, mode=mode), weight, groups=maps.shape[1] // weight.shape[1])

    def answered(half: int) -> Tensor:
        own, inverted = kernels.own.chunk(2)[half], kernels.inverted.chunk(2)[half]
        return convolved(mask, own) + convolved(1 - mask, inverted)

    field = layer.field_of(mask)
    torch.testing.assert_close(field.gamma, answered(0), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(field.shift, answered(1), atol=1e-12, rtol=1e-12)
    assert field.mask is mask


def test_a_constant_mask_is_batch_norm_inside_and_not_on_the_border() -> None:
    """The paper's section 5 has it "arrive at the form of BN": with zeros around, that holds of the interior alone."""
    x, value = features(), torch.rand(6, dtype=torch.float64)
    for options, whole in (({"padding": "zeros"}, False), ({"padding": "replicate"}, True), ({"kernel": 1}, True)):
        layer = spn(**options)
        field = layer.field_of(value[:, None, None].expand(3, 6, 9, 10))
        gamma, beta = constants(layer, value)
        found = batch_normalised(x) * field.scale + field.shift
        expected = (1 + gamma) * batch_normalised(x) + beta
        torch.testing.assert_close(inside(found, 1), inside(expected, 1), atol=1e-12, rtol=1e-12)
        difference = (found - expected).abs().max()
        assert difference < 1e-12 if whole else difference > 0.1


def test_padded_with_zeros_a_constant_mask_has_nine_gammas_a_channel() -> None:
    layer = spn()
    gamma = layer.field_of(torch.full((1, 6, 9, 10), 0.3, dtype=torch.float64)).gamma
    assert [len(channel.unique()) for channel in gamma[0].round(decimals=10)] == [9] * 6


def test_a_mask_constant_in_each_sample_is_conditional_batch_norm_not_batch_norm() -> None:
    layer = spn()
    values = torch.rand(3, 6, dtype=torch.float64)
    field = layer.field_of(values[:, :, None, None].expand(3, 6, 9, 10))
    gamma, beta = constants(layer, values)
    torch.testing.assert_close(inside(field.gamma, 1), gamma.expand(3, 6, 7, 8), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(inside(field.shift, 1), beta.expand(3, 6, 7, 8), atol=1e-12, rtol=1e-12)
    assert gamma.std(0).max() > 0.01


def test_the_inverted_kernels_are_a_mere_bias_with_replicated_borders_and_more_with_zeros() -> None:
    mask = torch.rand(2, 6, 9, 10, dtype=torch.float64)
    for padding, mere in (("replicate", True), ("zeros", False)):
        layer = spn(padding=padding)
        other = copy.deepcopy(layer)
        with torch.no_grad():  # w₁ - w₂ stays
            more = torch.randn_like(other.kernels.inverted)
            other.kernels.inverted.add_(more)
            other.kernels.own.add_(more)
        change = other.field_of(mask).gamma - layer.field_of(mask).gamma
        expected = more[:6].sum((1, 2, 3))[:, None, None].expand_as(change)
        torch.testing.assert_close(inside(change, 1), inside(expected, 1), atol=1e-12, rtol=1e-12)
        assert ((change - expected).abs().max() < 1e-12) == mere


def test_which_side_is_foreground_is_arbitrary() -> None:
    layer, x = spn(), features()
    other = copy.deepcopy(layer)
    with torch.no_grad():
        other.embed.weight.neg_()  # σ(-t) = 1 - σ(t)
        other.kernels.own.copy_(layer.kernels.inverted)
        other.kernels.inverted.copy_(layer.kernels.own)
    normalised = batch_normalised(x)
    torch.testing.assert_close(other.mask(normalised), 1 - layer.mask(normalised))
    torch.testing.assert_close(other(x), layer(x), atol=1e-12, rtol=1e-12)


def test_without_kernels_it_is_plain_batch_normalisation() -> None:
    layer, x = spn(), features()
    torch.nn.init.zeros_(layer.kernels.own)
    torch.nn.init.zeros_(layer.kernels.inverted)
    torch.testing.assert_close(layer(x), batch_normalised(x))


def test_a_scalar_mask_is_not_layer_normalisation() -> None:
    """The paper's section 5 says it is: its statistics stay those of the batch, and γ still differs by channel."""
    layer, x = spn(padding="replicate"), features()
    field = layer.field_of(torch.full((3, 6, 9, 10), 0.4, dtype=torch.float64))
    gamma, beta = constants(layer, torch.full((6,), 0.4, dtype=torch.float64))
    found = batch_normalised(x) * field.scale + field.shift
    torch.testing.assert_close(found, (1 + gamma) * BatchStatistics(6).double()(x) + beta)
    assert ((1 + gamma) * LayerStatistics(6)(x) + beta - found).abs().max() > 0.1
    assert gamma.std() > 0.01


def test_upsampling_may_change_places_with_it_for_1x1_kernels_alone() -> None:
    x = features()
    torch.testing.assert_close(batch_normalised(upsampled(x)), upsampled(batch_normalised(x)), atol=1e-6, rtol=1e-6)
    for kernel, commutes in ((1, True), (3, False)):
        layer = spn(kernel=kernel)
        difference = (layer(upsampled(x)) - upsampled(layer(x))).abs().max()
        assert difference < 1e-6 if commutes else difference > 0.1


@pytest.mark.parametrize(("kernel", "mask"), [(1, "channels"), (3, "channels"), (5, "one")])
def test_in_evaluation_a_pixel_reaches_as_far_as_the_kernels(kernel: int, mask: Any) -> None:
    layer, x = spn(kernel=kernel, mask=mask).eval(), features(side=15)
    changed = x.clone()
    changed[:, :, 7, 7] += 3
    touched = (layer(changed) - layer(x)).abs().amax((0, 1)) > 0
    expected = torch.zeros_like(touched)
    expected[7 - kernel // 2 : 8 + kernel // 2, 7 - kernel // 2 : 8 + kernel // 2] = True
    assert torch.equal(touched, expected)


def test_gamma_is_a_linear_spade_of_the_mask_and_its_inverse() -> None:
    layer = spn()
    mask = torch.rand(2, 6, 9, 10, dtype=torch.float64)
    both = torch.stack([mask, 1 - mask], dim=2).flatten(1, 2)
    weight = torch.cat([layer.kernels.own, layer.kernels.inverted], dim=1)[:6]
    expected = F.conv2d(both, weight, padding=1, groups=6)
    torch.testing.assert_close(layer.field_of(mask).gamma, expected, atol=1e-12, rtol=1e-12)


def test_kernels_begin_as_keras_draws_them() -> None:
    torch.manual_seed(0)
    kernels = SelfPixelwise(256, NormalisationOptions()).kernels
    limit = (6 / (9 * 257)) ** 0.5
    for half in (*kernels.own.chunk(2), *kernels.inverted.chunk(2)):
        assert half.abs().max() <= limit and half.abs().max() > 0.95 * limit


def test_options_that_no_layer_has_are_refused() -> None:
    for wrong in ({"kernel": 2}, {"mask": "two"}, {"convolution": "sparse"}, {"padding": "reflect"}):
        with pytest.raises(ValueError, match="must be"):
            NormalisationOptions(**wrong)
