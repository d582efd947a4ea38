"""Summaries: the SPN paper's tables 6 and 7 exactly, and what any weights file holds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facesynth.core.errors import UsageError, WeightsError
from facesynth.inference import networks
from facesynth.inference.network_cost import layer_costs
from facesynth.inference.summary import NetworkSummary, summarise
from facesynth.models.resnet_gan.architectures import ARCHITECTURES
from facesynth.models.specs import (
    BisenetSpec,
    DiscriminatorSpec,
    EncoderSpec,
    GeneratorSpec,
    ParserSpec,
    SegmentationDiscriminatorSpec,
)


def only(name: str) -> NetworkSummary:
    [summary] = summarise(name)
    return summary


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("sngan-32", 4_073_728, 1_593_049_088),  # table 6: 4.07M, 1.59B
        ("spn-32", 4_522_240, 1_793_982_464),  # table 6: 4.52M, 1.79B; the text's "0.05M" more is a typo for 0.45M
        ("sngan-wide-32", 4_531_933, 1_784_732_288),  # table 6: 4.53M, 1.79B, which no whole width gives
        ("spn-kernel1-32", 4_473_088, 1_771_962_368),  # table 7, as the next three
        ("spn-kernel5-32", 4_620_544, 1_838_022_656),
        ("spn-onemask-32", 4_130_560, 1_618_509_824),
        ("spn-standard-32", 18_622_720, 8_110_997_504),
        ("sngan-instance-32", 4_073_728, 1_593_049_088),
        ("sngan-cbn-32", 4_101_376, 1_593_049_088),
        ("biggan-32", 4_494_592, 1_593_442_304),
        ("cspn-32", 5_065_984, 1_794_375_680),
        ("cspn-nobias-32", 4_672_768, 1_793_982_464),
        ("discriminator-32", 1_037_313, 267_878_528),
        ("projection-32", 1_038_593, 267_878_528),
        ("sngan-128", 12_988_864, 7_377_780_736),
        ("spn-128", 13_467_328, 8_582_594_560),
        ("discriminator-128", 14_298_305, 3_829_137_920),
    ],
)
def test_networks_of_the_spn_paper_cost_what_it_prints(name: str, parameters: int, multiply_adds: int) -> None:
    summary = only(name)
    assert (summary.parameters, summary.multiply_adds) == (parameters, multiply_adds)


def test_spn_costs_what_its_six_layers_add() -> None:
    spn, plain = only("spn-32"), only("sngan-32")
    assert spn.parameters - plain.parameters == 6 * 74_752
    assert spn.multiply_adds - plain.multiply_adds == 74_752 * 2 * (64 + 256 + 1024)
    kernels = {layer.name: layer for layer in spn.layers if layer.kind == "MaskKernels"}
    assert len(kernels) == 6
    layer = kernels["blocks.2.norm_1.kernels"]
    assert (layer.output, layer.parameters, layer.multiply_adds) == ((256, 32, 32), 9216, 9216 * 1024)
    assert "of which two are run" in spn.notes[0] and not plain.notes


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_of_the_paper_is_summarised_whole(name: str) -> None:
    summary = only(name)
    assert summary.name == name and all(layer.output is not None for layer in summary.layers)
    assert summary.parameters > 1e6


def test_a_layer_that_runs_twice_counts_twice_and_one_that_does_not_run_not_at_all() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.idle, self.own = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(3, 4), nn.Parameter(torch.ones(5))
            self.up, self.line = nn.ConvTranspose2d(2, 3, 2, stride=2), nn.Conv1d(4, 6, 1, groups=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.line(torch.zeros(1, 4, 7, device=x.device))
            made: torch.Tensor = self.up(self.conv(self.conv(x)))
            return made

    found = {each.name: each for each in layer_costs(Odd(), [torch.zeros(1, 2, 5, 4)])}
    assert found["conv"].multiply_adds == 2 * (2 * 2 * 9 * 20) and found["conv"].parameters == 38
    assert found["up"].multiply_adds == 2 * 20 * 3 * 4 and found["up"].output == (3, 10, 8)
    assert found["line"].multiply_adds == 6 * 7 * 2
    assert (found["idle"].output, found["idle"].parameters, found["idle"].multiply_adds) == (None, 16, 0)
    assert found["(itself)"].parameters == 5


SPECS: dict[str, Any] = {
    "parser": ParserSpec(size=64, pyramid_channels=8, detail_channels=8),
    "generator": GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8),
    "encoder": EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16),
    "discriminator": DiscriminatorSpec(width=4, max_width=16),
    "segmentation_discriminator": SegmentationDiscriminatorSpec(depth=3, width=4, max_width=16),
}


def written(path: Path, specs: dict[str, Any]) -> str:
    networks.save(path, {name: (spec, networks.build(spec)) for name, spec in specs.items()})
    return str(path)


def test_all_networks_of_a_weights_file_are_summarised(tmp_path: Path) -> None:
    path = written(tmp_path / "all.safetensors", SPECS)
    found = {summary.name: summary for summary in summarise(path)}
    assert set(found) == set(SPECS)
    for name, spec in SPECS.items():
        expected = sum(parameter.numel() for parameter in networks.build(spec).parameters())
        assert found[name].parameters == expected and found[name].multiply_adds > 0
        assert found[name].side == 64 and found[name].spec == spec
    assert {layer.output for layer in found["generator"].layers if layer.name == "picture"} == {(3, 64, 64)}


@pytest.mark.parametrize(
    "specs",
    [
        {"parser": BisenetSpec(size=64, width=2)},
        {"parser": dataclasses.replace(SPECS["parser"], mirrored=True, head="lraspp", trunk="efficientnet-lite0")},
        {
            "generator": dataclasses.replace(SPECS["generator"], style_affine=True, style_regions=True, noise=True),
            "encoder": dataclasses.replace(SPECS["encoder"], style_regions=True),
        },
    ],
    ids=["bisenet", "mirrored", "regions"],
)
def test_every_option_of_a_spec_can_be_summarised(tmp_path: Path, specs: dict[str, Any]) -> None:
    for summary in summarise(written(tmp_path / "some.safetensors", specs)):
        assert summary.multiply_adds > 0 and summary.spec == specs[summary.name]


def test_a_mirrored_parser_works_twice(tmp_path: Path) -> None:
    once, twice = (
        summarise(
            written(
                tmp_path / f"{mirrored}.safetensors",
                {"parser": dataclasses.replace(SPECS["parser"], mirrored=mirrored)},
            )
        )[0]
        for mirrored in (False, True)
    )
    assert twice.multiply_adds == 2 * once.multiply_adds and twice.parameters == once.parameters


def test_what_is_told_fits_json() -> None:
    told = json.loads(json.dumps(only("cspn-32").told()))
    assert told["parameters"] == 5_065_984 and told["multiply_adds"] == 1_794_375_680
    assert told["spec"]["classes"] == 10 and told["layers"][0]["name"] == "first"
    assert sum(layer["parameters"] for layer in told["layers"]) == told["parameters"]


def test_unknown_names_are_told_what_comes_near(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean .*spn-32"):
        summarise("SPN-23")
    with pytest.raises(UsageError, match="parser-mnv2-320-v2"):
        summarise("parser-mnv2-320")
    with pytest.raises(UsageError, match="use one of: sngan-32, "):
        summarise("zzzzzz")


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"onnx")
    with pytest.raises(WeightsError, match="another program's"):
        summarise(tmp_path / "net.onnx")
    (tmp_path / "x.safetensors").write_bytes(b"cut")
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        summarise(tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="is a folder"):
        summarise(tmp_path)
