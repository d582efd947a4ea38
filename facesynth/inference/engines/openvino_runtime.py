"""OpenVINO on the CPU: graphs come in as ONNX."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facesynth.core.errors import DeviceError, UsageError, WeightsError
from facesynth.inference.engines.graphs import onnx_graph
from facesynth.inference.engines.openvino_library import openvino_library
from facesynth.inference.engines.seam import Engine, Task, checked, not_run

if TYPE_CHECKING:
    import openvino

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


def openvino_engine(task: Task) -> Engine:
    """Export the module and run it by OpenVINO; what is checked against PyTorch is the graph in float32.

    Raises UsageError for a precision but float32 and bf16, DeviceError where the processor has no bf16.
    """
    if task.dtype not in _PRECISIONS:
        raise UsageError("OpenVINO computes in float32 or bf16 here", hint="use --precision float32 or bf16")
    if task.dtype == torch.bfloat16 and not has_bf16():
        raise DeviceError("this processor has no bf16", hint="use --precision float32")
    model = read_graph(onnx_graph(task), task.where)
    engine = runner(model, torch.float32, task.where)
    checked(task, engine, "OpenVINO")
    return engine if task.dtype == torch.float32 else runner(model, task.dtype, task.where)


def has_bf16() -> bool:
    """Whether OpenVINO finds bf16 in this processor."""
    return "BF16" in openvino_library().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def read_graph(graph: bytes, where: str | None) -> openvino.Model:
    """An ONNX graph as OpenVINO's. Raises DependencyMissing and WeightsError."""
    return _read(io.BytesIO(graph), where)


def read_file(path: Path) -> openvino.Model:
    """OpenVINO's own pair of files. Raises DependencyMissing and WeightsError."""
    return _read(str(path), str(path))


def write_file(model: openvino.Model, path: Path) -> None:
    """Write a graph as `path`, *.xml, and *.bin beside it, in float32."""
    openvino_library().save_model(model, str(path), compress_to_fp16=False)


def _read(source: io.BytesIO | str, where: str | None) -> openvino.Model:
    try:
        return openvino_library().Core().read_model(model=source)
    except RuntimeError as error:
        [said, *_] = str(error).splitlines() or [type(error).__name__]
        raise WeightsError(f"OpenVINO cannot read it ({said})", where=where, hint="use another --engine") from error


def runner(model: openvino.Model, dtype: torch.dtype, where: str | None) -> Engine:
    """What runs a graph of one input, compiled for each shape that comes: a graph of open shape would be slower.

    Threads wait for each other: a program has one place for its results. Raises WeightsError for an input that the
    graph does not take.
    """
    library = openvino_library()
    programs: dict[tuple[int, ...], openvino.CompiledModel] = {}
    alone = threading.Lock()
    settings = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],  # its own choice is bf16 on processors that have it
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",  # one request on all threads
    }

    def run(x: Tensor) -> tuple[Tensor, ...]:
        shape = tuple(x.shape)
        try:
            with alone:
                if shape not in programs:
                    programs.clear()
                    model.reshape(list(shape))
                    programs[shape] = library.Core().compile_model(model, "CPU", settings)
                program = programs[shape]
                found = program(x.contiguous().numpy(), share_inputs=True)
                return tuple(torch.from_numpy(found[port].copy()) for port in program.outputs)
        except RuntimeError as error:
            raise not_run("OpenVINO", shape, error, where) from error

    return run
