"""The residual generators of table 2: where they normalise with what, what they are told, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch
from torch import nn

from facesynth.models.normalisation.channelwise import ChannelAffine, ConditionalAffine
from facesynth.models.normalisation.modulation import watched
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise
from facesynth.models.resnet_gan.attention import SpatialAttention
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec

TINY = ResnetGeneratorSpec(size=16, start=4, z_channels=5, width=4, max_width=8, normalisation="spn", starred=1)
LARGE = ResnetGeneratorSpec(size=128, width=64, max_width=512)


def tiny(**changes: Any) -> ResnetGenerator:
    torch.manual_seed(0)
    return ResnetGenerator(dataclasses.replace(TINY, **changes))


def test_channels_are_those_of_table_2() -> None:
    assert ResnetGeneratorSpec().widths == (256, 256, 256, 256)
    assert LARGE.widths == (512, 512, 512, 256, 128, 64)


@pytest.mark.parametrize(("size", "start"), [(16, 4), (32, 4), (24, 3)])
def test_it_paints_its_size_in_range_and_each_z_its_own(size: int, start: int) -> None:
    network = tiny(size=size, start=start).eval()
    z = torch.randn(3, 5)
    pictures = network(z)
    assert pictures.shape == (3, 3, size, size) and pictures.abs().max() <= 1
    torch.testing.assert_close(network(z[1:2]), pictures[1:2], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(pictures[0], pictures[1], atol=1e-3)


def test_the_last_blocks_have_spn_and_all_else_batch_normalisation() -> None:
    with torch.device("meta"):
        network = ResnetGenerator(dataclasses.replace(LARGE, normalisation="spn"))
    kinds = [type(block.get_submodule(name)) for block in network.blocks for name in ("norm_0", "norm_1")]
    assert kinds == [ChannelAffine] * 4 + [SelfPixelwise] * 6
    assert isinstance(network.norm, ChannelAffine)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"normalisation": "spn"}, ["batch", "batch", "spn", "spn", "spn"]),
        ({"normalisation": "cspn", "classes": 2}, ["ccbn", "ccbn", "cspn", "cspn", "cspn"]),
        ({"normalisation": "cspn", "classes": 2, "noise_bias": False}, ["cbn", "cbn", "cspn", "cspn", "cspn"]),
        ({"normalisation": "cbn", "classes": 2}, ["cbn"] * 5),
        ({"normalisation": "ccbn", "classes": 2, "starred": 1}, ["ccbn"] * 5),
        ({"normalisation": "instance"}, ["instance"] * 5),
        ({"normalisation": "spn", "starred": 0}, ["batch"] * 5),
    ],
)
def test_blocks_before_the_starred_ones_do_without_masks(changes: dict[str, Any], names: list[str]) -> None:
    spec = dataclasses.replace(LARGE, **changes)
    assert [spec.normalisation_of(block) for block in range(5)] == names


def test_a_class_changes_the_picture_where_there_are_classes() -> None:
    z, ids = torch.randn(2, 5), torch.tensor([0, 2])
    for name in ("cbn", "ccbn", "cspn"):
        network = tiny(normalisation=name, classes=3, starred=2)
        for block in network.blocks:
            for module in block.modules():
                if isinstance(module, ConditionalAffine):
                    nn.init.normal_(module.table.weight)
        nn.init.normal_(
            network.blocks[-1].get_parameter("norm_0.mask_table.weight" if name == "cspn" else "norm_0.table.weight")
        )
        network.eval()
        assert not torch.allclose(network(z, ids), network(z, ids.flip(0)), atol=1e-4), name
        with pytest.raises(ValueError, match="3 classes"):
            network(z)
    torch.testing.assert_close(tiny().eval()(z, ids), tiny().eval()(z))


def test_gradients_reach_every_parameter() -> None:
    for changes in ({}, {"normalisation": "cspn", "classes": 3}, {"attention": True, "mask": "one", "kernel": 5}):
        network = tiny(**changes)
        pictures = network(torch.randn(4, 5), torch.tensor([0, 1, 2, 0]))
        (pictures * torch.randn_like(pictures)).sum().backward()
        missing = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.abs().sum()]
        assert not missing


def test_masks_gammas_and_betas_of_every_layer_can_be_looked_at() -> None:
    network = tiny().eval()
    with watched(network) as seen:
        network(torch.randn(2, 5))
    assert list(seen) == ["blocks.0.norm_0", "blocks.0.norm_1", "blocks.1.norm_0", "blocks.1.norm_1", "norm"]
    masks = {name: field.mask.shape for name, field in seen.items() if field.mask is not None}
    assert masks == {"blocks.1.norm_0": (2, 8, 16, 16), "blocks.1.norm_1": (2, 4, 16, 16)}  # after upsampling
    for name in masks:
        assert seen[name].gamma.shape == seen[name].shift.shape == masks[name]


def test_attention_weighs_pixels_alike_in_all_channels() -> None:
    torch.manual_seed(0)
    layer, x = SpatialAttention(), torch.randn(2, 5, 9, 9)
    ratio = layer(x) / x
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    assert ratio.min() > 0 and ratio.max() < 1 and ratio.std() > 1e-3
    expected = torch.sigmoid(layer.conv(torch.stack([x.mean(1), x.max(1).values], dim=1)))
    torch.testing.assert_close(ratio[:, :1], expected)


def test_spectral_normalisation_is_on_convolutions_and_linear_layers_outside_the_normalisations() -> None:
    network = tiny(spectral=True)
    parametrized = {name for name, module in network.named_modules() if nn.utils.parametrize.is_parametrized(module)}
    blocks = {f"blocks.{index}.{name}" for index in (0, 1) for name in ("conv_0", "conv_1")}
    assert parametrized == {"first", "picture", "blocks.1.shortcut", *blocks}
    network.eval()  # before any training pass: the trap of torch's older spectral norm
    with torch.no_grad():
        largest = torch.linalg.matrix_norm(network.blocks[0].get_submodule("conv_0").weight.flatten(1), 2)  # type: ignore[operator]
    assert largest == pytest.approx(1, abs=0.1)


def test_a_spec_survives_json() -> None:
    told = json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert ResnetGeneratorSpec(**told) == TINY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 48}, "start 4 times a power of 2"),
        ({"size": 4}, "start 4 times a power of 2"),
        ({"size": 4096}, "at most 1024"),
        ({"start": 0}, "start 0"),
        ({"width": 512}, "max_width at least its width"),
        ({"max_width": 10**6}, "channels wide"),
        ({"z_channels": 0}, "channels wide"),
        ({"normalisation": "spade"}, "must be one of batch, instance, layer, cbn, ccbn, spn, cspn"),
        ({"normalisation": "cspn"}, "cspn with 0 classes"),
        ({"classes": 10}, "spn with 10 classes"),
        ({"normalisation": "cbn", "classes": 10**6}, "1 to 10000 classes"),
        ({"starred": -1}, "-1 blocks"),
        ({"kernel": 4}, "kernel 4"),
        ({"padding": "same"}, "'same' must be one of zeros, replicate"),
    ],
)
def test_specs_that_make_no_network_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(TINY, **changes)
