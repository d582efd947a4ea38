"""Engines: each computes what eager PyTorch does, or says why it cannot."""

from __future__ import annotations

import importlib.util
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn

from facesynth.core.errors import DependencyMissing, DeviceError, UsageError, WeightsError
from facesynth.inference import networks
from facesynth.inference.engines import ENGINE_NAMES, graphs, onnx_runtime, openvino_runtime
from facesynth.inference.engines.choice import ENGINES, build, engine_device
from facesynth.inference.engines.seam import Task, compared
from facesynth.models.specs import ParserSpec

CPU = torch.device("cpu")


def task(batch: int = 2, dtype: torch.dtype = torch.float32, seed: int = 0) -> Task:
    torch.manual_seed(seed)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    network = networks.build(spec).eval().requires_grad_(False)
    return Task(network=network, shape=(batch, 3, 64, 64), device=CPU, dtype=dtype, where="p.safetensors")


def small(batch: int, dtype: torch.dtype = torch.float32) -> Task:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 19, 3)).eval().requires_grad_(False)
    return Task(network=network, shape=(batch, 3, 64, 64), device=CPU, dtype=dtype, where="p.safetensors")


def test_the_table_is_what_the_option_takes() -> None:
    assert set(ENGINE_NAMES) == {"auto", *ENGINES}


@pytest.mark.parametrize("name", ["eager", "onnx", "openvino", "auto"])
def test_an_engine_computes_what_eager_does_at_any_batch_size(name: str) -> None:
    made = task()
    engine = build(name, made)
    assert compared(made, engine).holds
    for batch in (1, 2, 3):
        x = torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(batch))
        [found] = engine(x.contiguous(memory_format=torch.channels_last))
        with torch.inference_mode():
            torch.testing.assert_close(found, made.network(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_what_an_engine_returns_stays_when_it_is_called_again(name: str) -> None:
    engine = build(name, task(1))
    [first] = engine(torch.zeros(1, 3, 64, 64))
    kept = first.clone()
    engine(torch.ones(1, 3, 64, 64))
    assert torch.equal(first, kept)


@pytest.mark.parametrize(("name", "module"), [("onnx", onnx_runtime), ("openvino", openvino_runtime)])
def test_a_graph_that_computes_something_else_is_refused_and_auto_passes_it_over(
    name: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = graphs.onnx_graph(task(seed=1))
    for each in (onnx_runtime, openvino_runtime):
        monkeypatch.setattr(each, "onnx_graph", lambda _: other)
    with pytest.raises(WeightsError, match=r"p\.safetensors: .* computes something else than PyTorch: .*eager"):
        build(name, task())
    made = task(1)
    assert compared(made, build("auto", made)).difference == 0, "eager is left"


@pytest.mark.parametrize(("name", "package"), [("onnx", "onnxruntime"), ("openvino", "openvino"), ("openvino", "onnx")])
def test_a_missing_package_is_named_with_its_extra(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        DependencyMissing, match=rf'{package} is not installed; run: pip install "facesynth\[engines\]"'
    ):
        build(name, task())


def test_auto_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    made = task(1)
    assert compared(made, build("auto", made)).difference == 0


def test_auto_ends_in_eager_where_packages_are_here_and_broken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for package in ("openvino", "onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with caplog.at_level(logging.INFO, "facesynth.inference.engines"):
        for made in (task(1), task(1, torch.bfloat16)):
            assert build("auto", made)(made.example)[0].shape == made.network(made.example).shape
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("the engine openvino is passed over: ")
    assert [text.split()[2] for text in told] == ["openvino", "onnx", "openvino"]


def test_openvino_serves_several_threads_with_batches_of_several_sizes() -> None:
    made = small(1)
    engine = build("openvino", made)
    batches = [torch.randn(1 + index % 3, 3, 64, 64) for index in range(24)]
    with torch.inference_mode():
        wanted = [made.network(x) for x in batches]
    with ThreadPoolExecutor(4) as threads:
        for [found], expected in zip(threads.map(engine, batches), wanted, strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_a_batch_that_a_graph_does_not_take_is_told(name: str) -> None:
    engine = build(name, small(1))
    with pytest.raises(WeightsError, match=r"p\.safetensors: .* cannot run it on a batch of 1×4×64×64 .*--engine"):
        engine(torch.zeros(1, 4, 64, 64))


def test_precisions_that_an_engine_lacks_are_refused() -> None:
    with pytest.raises(UsageError, match="float32"):
        build("onnx", task(dtype=torch.bfloat16))
    with pytest.raises(UsageError, match="float32 or bf16"):
        build("openvino", task(dtype=torch.float16))


def test_bf16_is_near_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task(dtype=torch.bfloat16)
    if openvino_runtime.has_bf16():
        agreement = compared(made, build("openvino", made))
        assert 0 < agreement.difference < 0.05 * max(agreement.largest, 1)
    monkeypatch.setattr(openvino_runtime, "has_bf16", lambda: False)
    with pytest.raises(DeviceError, match="no bf16"):
        build("openvino", made)


def test_devices_are_chosen_for_the_engine() -> None:
    assert engine_device("onnx", "auto") == engine_device("openvino", "cpu") == CPU
    with pytest.raises(UsageError, match="use one of: auto, eager, compile, onnx, openvino"):
        engine_device("tensorrt", "cpu")


def test_an_engine_of_the_cpu_is_not_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesynth.inference.engines.choice.resolve_device", lambda name: torch.device("cuda"))
    with pytest.raises(DeviceError, match="the engine onnx runs on the CPU, not on cuda"):
        engine_device("onnx", "cuda")


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx: ('g++',)",
         DependencyMissing, r"a C\+\+ compiler, which torch.compile needs, is not installed; install g\+\+"),
        ("\nbackend failed", DeviceError, r"torch.compile fails here \(backend failed\); use another --engine"),
    ],
)  # fmt: skip
def test_a_compiler_that_is_absent_or_fails_is_told(
    said: str, kind: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the minute that compiling takes; torch 2.15 without g++ did say the first."""

    def fail(*_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch, "compile", lambda network, **_: fail)
    with pytest.raises(kind, match=told):
        build("compile", task())


def test_a_program_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task()
    monkeypatch.setattr(torch, "compile", lambda network, **_: network)
    assert compared(made, build("compile", made)).holds
    monkeypatch.setattr(torch, "compile", lambda network, **_: lambda x: -network(x))
    with pytest.raises(WeightsError, match=r"torch.compile computes something else than PyTorch"):
        build("compile", made)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_program_is_compiled_before_the_first_batch(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    compile_ = torch.compile

    def backend(graph: torch.fx.GraphModule, _: object) -> Any:
        compiled.append(graph)
        return graph.forward

    monkeypatch.setattr(
        torch, "compile", lambda network, **options: compile_(network, **{"backend": backend, **options})
    )
    engine = build("compile", small(2, dtype))
    assert len(compiled) == 1
    with torch.inference_mode():
        engine(torch.zeros(2, 3, 64, 64))
        engine(torch.zeros(2, 64, 64, 3).permute(0, 3, 1, 2))
    assert len(compiled) == 1


def test_a_compiler_that_fails_in_lower_precision_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ = torch.compile

    def backend(graph: torch.fx.GraphModule, _: object) -> Any:
        raise RuntimeError("no bf16 here")

    monkeypatch.setattr(
        torch, "compile", lambda network, **options: compile_(network, **{"backend": backend, **options})
    )
    with pytest.raises(DeviceError, match=r"torch.compile fails here \(.*no bf16 here"):
        build("compile", small(2, torch.bfloat16))
