"""The table of engines, and the choice among them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch

from facesynth.core.errors import DeviceError, UsageError, WeightsError
from facesynth.inference.device import resolve_device
from facesynth.inference.engines import CPU_ENGINES, ENGINE_NAMES
from facesynth.inference.engines.onnx_runtime import onnx
from facesynth.inference.engines.openvino_runtime import has_bf16, openvino_engine
from facesynth.inference.engines.seam import Engine, Task
from facesynth.inference.engines.torch_engines import compiled, eager

ENGINES: Mapping[str, Callable[[Task], Engine]] = MappingProxyType(
    {"eager": eager, "compile": compiled, "onnx": onnx, "openvino": openvino_engine}
)
_PACKAGES = MappingProxyType({"onnx": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")})
_FASTEST_ON_CPU = ("openvino", "onnx", "eager")
"""As benchmarks/parser_engines.py measured them. No run here is long enough to earn the minute that `compile` takes."""


def engine_device(engine: str, device: str) -> torch.device:
    """The device that a network goes to; `auto` means the CPU for an engine that knows no other.

    Raises UsageError for an unknown engine, DeviceError for a device that is absent or not the engine's.
    """
    if engine not in ENGINE_NAMES:
        raise UsageError(f"unknown engine {engine!r}", hint=f"use one of: {', '.join(ENGINE_NAMES)}")
    where = resolve_device("cpu" if engine in CPU_ENGINES and device == "auto" else device)
    if engine in CPU_ENGINES and where.type != "cpu":
        raise DeviceError(f"the engine {engine} runs on the CPU, not on {where}", hint="use --engine eager or compile")
    return where


def build(engine: str, task: Task) -> Engine:
    """Make an engine by name, checked against the eager module.

    `auto` is the fastest one whose package is here and whose results agree, and eager in the end; by name raises
    DependencyMissing, UsageError or DeviceError where it cannot work here, WeightsError where it computes otherwise.
    """
    if engine != "auto":
        return ENGINES[engine](task)
    for name in _able(task):
        try:
            return ENGINES[name](task)
        except WeightsError:
            continue  # its graph differs from the module's: the next engine
    return eager(task)


def _able(task: Task) -> Iterator[str]:
    """The engines that can do a task here, the fastest first."""
    if task.device.type == "cpu":
        for name in _FASTEST_ON_CPU:
            here = all(importlib.util.find_spec(package) for package in _PACKAGES.get(name, ()))
            if here and (task.dtype == torch.float32 or name == "eager" or (name == "openvino" and has_bf16())):
                yield name
