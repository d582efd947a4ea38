"""Every engine paints what the generator's own layers paint, whatever the label map, in the same noise and styles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from facesynth.core.errors import DependencyMissing, DeviceError, UsageError, WeightsError
from facesynth.core.labels import Label, LabelMap
from facesynth.core.styles import Style
from facesynth.inference.engines import openvino_runtime
from facesynth.inference.painting import graph_engines
from facesynth.inference.painting.choice import pattern_painter
from facesynth.inference.painting.compiled import compiled_network
from facesynth.inference.painting.signature import FlatPaintGraph
from facesynth.inference.patterns import PatternsName
from facesynth.inference.synthesizer import Synthesizer
from facesynth.stages.synthesize import SynthesizeStage
from tests.inference.painting.networks import REGIONS, SPECS, STYLED, dense, generator_of, noise_of, style_of
from tests.odd_label_maps import KINDS, odd_ids

F32, BF16, CPU = torch.float32, torch.bfloat16, torch.device("cpu")
OTHERS = ("compile", "onnx", "openvino")


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The graphs that torch.compile captures, which run as they are: without the minute that compiling takes."""
    captured: list[object] = []
    compile_ = torch.compile

    def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        captured.append(graph)
        return graph.forward

    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", lambda network, **_: compile_(network, backend=backend))
    return captured


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize(
    ("engine", "name"),
    [("compile", "normal"), ("onnx", "plain"), ("onnx", "regions"), ("openvino", "styled"), ("openvino", "regions")],
)
def test_an_engine_paints_what_the_layers_paint(engine: str, name: str) -> None:
    spec = SPECS[name]
    network = generator_of(spec)
    style, noise = style_of(spec), noise_of(network)
    painter = pattern_painter(engine, network, F32, None)
    for number, kind in enumerate(KINDS):
        ids, given = odd_ids(kind, spec.size), noise if number % 2 else None
        torch.testing.assert_close(painter(ids, style, given), dense(network, ids, style, given), atol=1e-5, rtol=0)


def test_one_program_serves_every_number_of_patterns(graphs: list[object]) -> None:
    network = generator_of(REGIONS)
    painter = pattern_painter("compile", network, F32, None)
    assert len(graphs) == 1
    for seed, kind in enumerate(KINDS):
        painter(odd_ids(kind, 64), style_of(REGIONS, seed), noise_of(network, seed))
    assert len(graphs) == 1


def test_a_label_map_pixel_by_pixel_too() -> None:
    network, ids = generator_of(REGIONS), odd_ids("noise", 64)
    style, noise = style_of(REGIONS), noise_of(network)
    painter = pattern_painter("onnx", network, F32, None)
    painter._most = 0
    torch.testing.assert_close(painter(ids, style, noise), dense(network, ids, style, noise), atol=1e-5, rtol=0)


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("engine", ["eager", "compile", "openvino"])
def test_in_bf16_it_is_near(engine: str) -> None:
    if engine == "openvino" and not openvino_runtime.has_bf16():
        with pytest.raises(DeviceError, match="no bf16"):
            pattern_painter(engine, generator_of(STYLED), BF16, None)
        return
    network = generator_of(STYLED)
    style, noise = style_of(STYLED), noise_of(network)
    painter = pattern_painter(engine, network, BF16, None)
    for kind in ("face", "noise", "uniform"):
        ids = odd_ids(kind, 64)
        exact = dense(network, ids, style, noise)
        with torch.autocast("cpu", BF16):
            usual = (dense(network, ids, style, noise) - exact).abs().mean().item()
        assert 0 < (painter(ids, style, noise) - exact).abs().mean().item() < 2 * usual


def synthesizer_of(engine: str, patterns: PatternsName = "auto") -> Synthesizer:
    network = generator_of(REGIONS)
    return Synthesizer(
        network, REGIONS, device=CPU, dtype=F32, identity="a" * 64, patterns=patterns, engine=engine
    )  # fmt: skip


@pytest.mark.usefixtures("graphs")
def test_seeds_regions_and_mixes_are_the_same_in_all_engines() -> None:
    code = np.linspace(-1, 1, 8, dtype=np.float32)
    regions = Style.from_regions({Label.SKIN: code, Label.HAIR: -code}, "a" * 64)
    styles = [Style.from_seed(4), regions, Style.mix(Style.from_seed(1), regions, 0.4)]
    labels = [LabelMap(odd_ids(kind, 64)) for kind in ("face", "dots", "frame")]
    wanted = synthesizer_of("eager", "never")(labels, styles)
    assert len({picture.pixels.tobytes() for picture in wanted}) == 3
    painters = [synthesizer_of(engine) for engine in ("auto", *OTHERS)] + [synthesizer_of("compile", "never")]
    assert [painter.engine for painter in painters] == ["eager", *OTHERS, "compile"]
    for painter in painters:
        for found, expected in zip(painter(labels, styles), wanted, strict=True):
            assert np.abs(found.pixels.astype(int) - expected.pixels).max() <= 1


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_threads_paint_the_same(engine: str) -> None:
    network = generator_of(STYLED)
    painter, noise = pattern_painter(engine, network, F32, None), noise_of(network)
    work = [(odd_ids(KINDS[seed % 3], 64), style_of(STYLED, seed)) for seed in range(9)]
    with ThreadPoolExecutor(3) as pool:
        painted = list(pool.map(lambda one: painter(one[0], one[1], noise), work))
    for found, one in zip(painted, work, strict=True):
        torch.testing.assert_close(found, dense(network, *one, noise), atol=1e-5, rtol=0)


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_what_paints_something_else_is_refused(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = generator_of(STYLED, 1)
    monkeypatch.setattr(graph_engines, "FlatPaintGraph", lambda _: FlatPaintGraph(other))
    with pytest.raises(
        WeightsError, match=r"w\.safetensors: .* paints something else than PyTorch: pictures in -1\.\.1"
    ):
        pattern_painter(engine, generator_of(STYLED), F32, "w.safetensors")


def test_what_an_engine_cannot_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    network = generator_of(STYLED)
    with pytest.raises(UsageError, match="float32"):
        pattern_painter("onnx", network, BF16, None)
    with pytest.raises(UsageError, match="float32 or bf16"):
        pattern_painter("openvino", network, torch.float16, None)
    with pytest.raises(UsageError, match="the engine onnx paints by label patterns"):
        synthesizer_of("onnx", "never")
    painter = pattern_painter("onnx", network, F32, None)
    with pytest.raises(TypeError, match="one style for all blocks"):
        painter(odd_ids("face", 64), [style_of(STYLED)] * len(network.blocks), None)
    with monkeypatch.context() as patch:
        patch.setattr("facesynth.inference.engines.choice.resolve_device", lambda name: torch.device("cuda"))
        with pytest.raises(DeviceError, match="openvino runs on the CPU, not on cuda"):
            Synthesizer.load("generator-spade-256-v2", engine="openvino", device="cuda")
    for engine, package in (("onnx", "onnxruntime"), ("openvino", "openvino"), ("openvino", "onnx")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(DependencyMissing, match=rf"{package} is not installed"):
                pattern_painter(engine, network, F32, None)


def test_a_compiler_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ = torch.compile

    def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        raise RuntimeError("no compiler of this kind")

    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", lambda network, **_: compile_(network, backend=backend))
    network = generator_of(STYLED)
    for attempt in (
        lambda: pattern_painter("compile", network, F32, None),
        lambda: compiled_network(network, CPU)(torch.zeros(1, 19, 64, 64), style_of(STYLED), noise_of(network)),
    ):
        with pytest.raises(DeviceError, match=r"torch.compile fails here \(.*no compiler of this kind.*use another"):
            attempt()


def test_the_key_holds_the_engine_where_results_differ() -> None:
    exact = {str(SynthesizeStage(engine=engine).config) for engine in ("auto", "eager", *OTHERS)}
    rounded = [str(SynthesizeStage(engine=engine, precision="bf16").config) for engine in ("auto", "eager", *OTHERS)]
    assert len(exact) == 1 and len(set(rounded)) == 4 and rounded[0] == rounded[1]
