"""The table of names: every member is one formula, and can be looked into while a network runs."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.modulation import Modulation, watched
from facesynth.models.normalisation.options import NormalisationName, NormalisationOptions
from facesynth.models.normalisation.table import NORMALISATIONS
from facesynth.models.spade import Spade
from tests.models.normalisation.made_layers import drawn, features, inside

NAMES: tuple[NormalisationName, ...] = get_args(NormalisationName)
OPTIONS = NormalisationOptions(classes=4, z_channels=5, labels=4, hidden=3)


def made(name: NormalisationName) -> Modulation:
    return drawn(NORMALISATIONS[name](6, OPTIONS))


def given(name: NormalisationName, x: Tensor) -> tuple[Tensor, Tensor]:
    """A condition and z, or a label map and a style."""
    ids = torch.arange(len(x)) % 4
    z = torch.randn(len(x), 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    if name != "spade":
        return ids, z
    return F.one_hot(ids[:, None, None].expand(-1, *x.shape[2:]), 4).permute(0, 3, 1, 2).double(), z


def test_the_table_holds_every_name_and_is_read_only() -> None:
    assert tuple(NORMALISATIONS) == NAMES
    with pytest.raises(TypeError):
        NORMALISATIONS["batch"] = NORMALISATIONS["spn"]  # type: ignore[index]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", NAMES)
def test_a_member_scales_and_shifts_its_statistics(name: NormalisationName, training: bool) -> None:
    layer, x = made(name).train(training), features()
    condition, z = given(name, x)
    y = layer(x, condition, z)
    normalised = layer.normalise(x)
    field = layer.field(normalised, condition, z)
    torch.testing.assert_close(y, (1 + field.gamma) * normalised + field.shift, atol=1e-12, rtol=1e-12)
    assert (field.mask is not None) == (name in {"spn", "cspn"})
    assert y.shape == x.shape and not torch.allclose(y, normalised, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "torch_s"),
    [("batch", nn.BatchNorm2d(6)), ("instance", nn.InstanceNorm2d(6, affine=True)), ("layer", nn.GroupNorm(1, 6))],
)
def test_those_that_torch_has_are_torch_s(name: NormalisationName, torch_s: Any) -> None:
    layer, x = made(name), features()
    torch_s.double()
    with torch.no_grad():
        torch_s.weight.copy_(1 + layer.get_parameter("gamma"))
        torch_s.bias.copy_(layer.get_parameter("beta"))
    for other in (x, x * 2 + 1):
        torch.testing.assert_close(layer(other), torch_s(other))
    if name == "batch":
        statistics = {key.rpartition(".")[2]: value for key, value in layer.state_dict().items() if "normalise." in key}
        assert statistics["num_batches_tracked"] == 2
        for key, value in statistics.items():
            torch.testing.assert_close(value, torch_s.state_dict()[key])
    torch.testing.assert_close(layer.eval()(x), torch_s.eval()(x))


@pytest.mark.parametrize("name", NAMES)
def test_a_member_begins_close_to_its_statistics_or_as_its_paper_draws_it(name: NormalisationName) -> None:
    torch.manual_seed(0)
    layer, x = NORMALISATIONS[name](6, OPTIONS).double(), features()
    condition, z = given(name, x)
    gamma = layer.field(layer.normalise(x), condition, z).gamma
    if name in {"batch", "instance", "layer", "cbn"}:
        assert gamma.abs().max() == 0
    else:
        assert 0 < gamma.abs().max() < 5


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_seen_while_watched_and_not_after(name: NormalisationName) -> None:
    network = nn.Sequential()
    network.add_module("deep", nn.ModuleDict({"norm": made(name)}))
    layer = network.get_submodule("deep.norm")
    x = features().requires_grad_()
    condition, z = given(name, x)
    plain = layer.eval()(x, condition, z)
    with watched(network) as seen:
        assert not seen
        y = layer(x, condition, z)
    torch.testing.assert_close(y, plain, atol=1e-12, rtol=1e-12)
    assert list(seen) == ["deep.norm"]
    field = seen["deep.norm"]
    normalised = layer.get_submodule("normalise")(x)
    torch.testing.assert_close(y, normalised * field.scale + field.shift, atol=1e-12, rtol=1e-12)
    assert not field.scale.requires_grad and not field.shift.requires_grad
    if field.mask is not None:
        assert field.mask.min() > 0 and field.mask.max() < 1 and field.mask.shape == x.shape
    layer(x * 2, condition, z)
    assert seen["deep.norm"] is field


def test_watching_ends_with_an_error_too() -> None:
    layer = made("spn")
    with pytest.raises(RuntimeError), watched(layer):
        layer(torch.zeros(1, 5, 4, 4))
    assert layer.watcher is None


NOTHING = torch.empty(0)
"""In the place of features and of a style, which SPADE's γ and β do not look at."""


def uniform(label: int, side: int = 12) -> Tensor:
    return F.one_hot(torch.full((1, side, side), label), 4).permute(0, 3, 1, 2).double()


def test_spade_of_one_label_is_that_label_s_batch_norm_from_the_third_pixel_on() -> None:
    layer = drawn(Spade(6, labels=4, hidden=3, style_channels=None))
    fields = [layer.field(NOTHING, uniform(label), NOTHING) for label in range(4)]
    for field in fields:
        for maps in (inside(field.gamma, 2), inside(field.shift, 2)):
            assert (maps - maps[..., :1, :1]).abs().max() < 1e-12
        assert (inside(field.gamma, 1) - field.gamma[..., 6:7, 6:7]).abs().max() > 1e-3  # zeros reach in two pixels
    values = [field.gamma[0, :, 6, 6] for field in fields]
    assert min((one - other).abs().max() for one in values for other in values if one is not other) > 1e-3


def test_spade_s_labels_reach_two_pixels_far_and_may_be_renamed_with_its_weights() -> None:
    layer = drawn(Spade(6, labels=4, hidden=3, style_channels=None))
    ids = torch.randint(0, 4, (1, 12, 12), generator=torch.Generator().manual_seed(3))
    changed = ids.clone()
    changed[..., 6:] = (changed[..., 6:] + 1) % 4

    def gamma(of: Tensor) -> Tensor:
        return layer.field(NOTHING, F.one_hot(of, 4).permute(0, 3, 1, 2).double(), NOTHING).gamma

    difference = (gamma(ids) - gamma(changed)).abs().amax((0, 1, 2))
    assert difference[:4].max() == 0 and difference[4:].min() > 0
    expected = gamma(ids)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        layer.shared.weight.copy_(layer.shared.weight[:, order].clone())
    torch.testing.assert_close(gamma(torch.argsort(order)[ids]), expected, atol=1e-12, rtol=1e-12)
