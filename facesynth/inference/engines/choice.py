"""The table of engines, and the choice among them."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch

from facesynth.core.errors import DependencyMissing, DeviceError, UsageError, WeightsError
from facesynth.inference.device import resolve_device
from facesynth.inference.engines import CPU_ENGINES, ENGINE_NAMES
from facesynth.inference.engines.onnx_runtime import onnx
from facesynth.inference.engines.openvino_runtime import openvino_engine
from facesynth.inference.engines.seam import Engine, Task
from facesynth.inference.engines.torch_engines import compiled, eager

ENGINES: Mapping[str, Callable[[Task], Engine]] = MappingProxyType(
    {"eager": eager, "compile": compiled, "onnx": onnx, "openvino": openvino_engine}
)
_PACKAGES = MappingProxyType({"onnx": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")})
_FASTEST_ON_CPU = MappingProxyType({"openvino": (torch.float32, torch.bfloat16), "onnx": (torch.float32,)})
"""Each with its precisions, as benchmarks/parser_engines.py measured them.

No run here is long enough to earn the minute that `compile` takes.
"""


_log = logging.getLogger(__name__)


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


def build(engine: str, task: Task, *, on_chosen: Callable[[str], None] = lambda name: None) -> Engine:
    """Make an engine by name, checked against the eager module; `on_chosen(name)` hears which one it is.

    `auto` is the fastest one that works here and whose results agree, and eager in the end; it logs those that it
    passes over. By name raises DependencyMissing, UsageError or DeviceError where it cannot work here, WeightsError
    where it computes otherwise.
    """
    for name in () if engine != "auto" else _able(task):
        try:
            made = ENGINES[name](task)
        except (DependencyMissing, DeviceError, WeightsError) as error:
            _log.info("the engine %s is passed over: %s", name, error, exc_info=error)
        else:
            on_chosen(name)
            return made
    last = "eager" if engine == "auto" else engine
    made = ENGINES[last](task)
    on_chosen(last)
    return made


def _able(task: Task) -> Iterator[str]:
    """The engines but eager that may do a task here, the fastest first; some find out that they cannot."""
    if task.device.type == "cpu":
        for name, precisions in _FASTEST_ON_CPU.items():
            if task.dtype in precisions and all(importlib.util.find_spec(package) for package in _PACKAGES[name]):
                yield name
