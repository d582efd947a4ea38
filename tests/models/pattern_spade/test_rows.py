"""SPADE by patterns of labels gives what its layers give, and every gradient, whatever the label maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.models.generator import SpadeGenerator
from facesynth.models.pattern_spade.finding import batch_patterns
from facesynth.models.spade import Spade
from facesynth.models.specs import GeneratorSpec
from tests.models.pattern_spade.test_finding import LABELS, batch_of
from tests.odd_label_maps import KINDS

TINY = GeneratorSpec(
    size=128, start=4, style_channels=6, width=4, max_width=16, spade_hidden=8, style_affine=True, noise=True
)


def one_hot(ids: Tensor) -> Tensor:
    return F.one_hot(ids, LABELS).permute(0, 3, 1, 2).double()


def moved(*tensors: Tensor) -> list[Tensor]:
    return [each.clone().requires_grad_() for each in tensors]


def gradients(y: Tensor, of: Mapping[str, Tensor]) -> dict[str, Tensor]:
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(5), dtype=y.dtype)
    return dict(zip(of, torch.autograd.grad((y * weights).sum(), list(of.values())), strict=True))


@pytest.mark.parametrize("style", ["none", "face", "regions"])
def test_a_layer_and_all_its_gradients(style: str) -> None:
    torch.manual_seed(0)
    ids = batch_of(list(KINDS), 12)
    layer = Spade(5, LABELS, 8, None if style == "none" else 6).double().train()
    shape = (len(ids), LABELS, 6) if style == "regions" else (len(ids), 6)
    given = torch.randn(len(ids), 5, 12, 12).double().contiguous(memory_format=torch.channels_last), torch.randn(shape)
    results = []
    for label_map in (one_hot(ids), batch_patterns(ids, LABELS)):
        x, z = moved(given[0], given[1].double())
        y = layer(x, label_map, z)
        of = {"x": x, **dict(layer.named_parameters()), **({} if style == "none" else {"style": z})}
        results.append((y, gradients(y, of)))
    (dense, wanted), (made, found) = results
    torch.testing.assert_close(made, dense, rtol=1e-10, atol=1e-10)
    assert set(found) >= {"x", "shared.weight", "shared.bias", "gamma_beta.weight", "gamma_beta.bias"}
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-9, atol=1e-9, msg=f"{name}'s gradient is another")


def test_many_pixels_are_gone_through_in_parts() -> None:
    torch.manual_seed(0)
    ids = batch_of(["face", "lines"], 150)  # 45,000 pixels, so three parts and a piece
    layer = Spade(3, LABELS, 4, None).double().train()
    x = torch.randn(2, 3, 150, 150).double()
    made, dense = layer(x, batch_patterns(ids, LABELS), x), layer(x, one_hot(ids), x)
    torch.testing.assert_close(made, dense, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("regions", [False, True])
def test_a_whole_generator(regions: bool) -> None:
    torch.manual_seed(0)
    generator = SpadeGenerator(replace(TINY, style_regions=regions, spectral=False)).double().train()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    label_map = one_hot(batch_of(["face", "lines", "noise"], 128))
    style = torch.randn((3, LABELS, 6) if regions else (3, 6)).double()
    noise = [torch.randn(3, 1, side, side).double() for side in generator.noise_sides]
    state, results = {name: each.clone() for name, each in generator.state_dict().items()}, []
    for find in (None, batch_patterns):
        generator.load_state_dict(state)  # batch normalisation has noted what it saw
        generator.find_patterns = find
        results.append(gradients(generator(label_map, style, noise), _taught(generator)))
        results[-1]["picture"] = generator(label_map, style, noise)
        results[-1] |= {name: each.clone() for name, each in generator.named_buffers() if "running" in name}
    assert any("running_var" in name for name in results[0])
    for name, wanted in results[0].items():
        torch.testing.assert_close(results[1][name], wanted, rtol=1e-6, atol=1e-8, msg=f"{name} is another")


def test_sums_over_many_pixels_stay_true_in_bf16() -> None:
    torch.manual_seed(0)
    ids = torch.zeros(2, 128, 128, dtype=torch.int64)  # nearly all pixels have one pattern: a sum of 30,000 numbers
    layer = Spade(2, LABELS, 4, None).train()
    x = torch.randn(2, 2, 128, 128)
    exact = gradients(layer(x, one_hot(ids).float(), x), dict(layer.named_parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x.bfloat16(), batch_patterns(ids, LABELS), x)
    assert y.dtype == torch.bfloat16
    y.float().backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(5)))
    for name in ("gamma_beta.bias", "gamma_beta.weight"):
        found = layer.get_parameter(name).grad
        assert found is not None
        assert (found - exact[name]).norm() < 0.03 * exact[name].norm(), name


def _taught(generator: SpadeGenerator) -> dict[str, Tensor]:
    """All but the learned averages of regions, which are looked up before the generator."""
    return {name: each for name, each in generator.named_parameters() if name != "regions.average"}
