"""OpenVINO on the CPU: graphs come in as ONNX."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from facesynth.core.errors import DeviceError, UsageError, WeightsError
from facesynth.inference.engines.graphs import onnx_graph
from facesynth.inference.engines.openvino_library import openvino_library
from facesynth.inference.engines.seam import Engine, Task, checked, not_run
from facesynth.inference.lanes import Cores

if TYPE_CHECKING:
    import openvino

Shape: TypeAlias = tuple[int, ...] | Mapping[str, tuple[int, ...]]
"""Of a graph's one input, or of some of its inputs by their names: what is not named stays open where it is."""
PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


def openvino_engine(task: Task) -> Engine:
    """Export the module and run it by OpenVINO; what is checked against PyTorch is the graph in float32.

    Raises UsageError for a precision but float32 and bf16, DeviceError where the processor has no bf16.
    """
    if task.dtype not in PRECISIONS:
        raise UsageError("OpenVINO computes in float32 or bf16 here", hint="use --precision float32 or bf16")
    if task.dtype == torch.bfloat16 and not has_bf16():
        raise DeviceError("this processor has no bf16", hint="use --precision float32")
    model = read_graph(onnx_graph(task), task.where)
    engine = runner(model, torch.float32, task.where, task.cores)
    checked(task, engine, "OpenVINO")
    return engine if task.dtype == torch.float32 else runner(model, task.dtype, task.where, task.cores)


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


def runner(model: openvino.Model, dtype: torch.dtype, where: str | None, cores: Cores | None = None) -> Engine:
    """What runs a graph of one input, compiled for each shape that comes: a graph of open shape would be slower.

    Several threads may call it at once, and as many as `cores` has lanes do not wait for each other; by default one,
    on all of torch's threads. Raises WeightsError for an input that the graph does not take.
    """
    programs = Programs(model, PRECISIONS[dtype], cores or Cores())

    def run(x: Tensor) -> tuple[Tensor, ...]:
        try:
            request = programs.request(tuple(x.shape))
            found = request.infer(x.contiguous().numpy(), share_inputs=True)
            return tuple(torch.from_numpy(found[port].copy()) for port in request.model_outputs)
        except RuntimeError as error:
            raise not_run("OpenVINO", tuple(x.shape), error, where) from error

    return run


class Programs:
    """A graph compiled for the shape that came last, and for each thread a request, which holds its results."""

    def __init__(self, model: openvino.Model, precision: str, cores: Cores) -> None:
        self._model = model
        self._settings = {
            "INFERENCE_PRECISION_HINT": precision,  # its own choice is bf16 on processors that have it
            "INFERENCE_NUM_THREADS": cores.threads,
            "NUM_STREAMS": cores.lanes,
        }
        self._compiling = threading.Lock()
        self._shape: Shape | None = None
        self._program: openvino.CompiledModel | None = None
        self._own = threading.local()

    def request(self, shape: Shape) -> openvino.InferRequest:
        """The calling thread's request to the program for a shape. Raises RuntimeError."""
        with self._compiling:
            if shape != self._shape:
                self._model.reshape(dict(shape) if isinstance(shape, Mapping) else list(shape))
                self._program = openvino_library().Core().compile_model(self._model, "CPU", self._settings)
                self._shape = shape
            program = self._program
        assert program is not None
        if getattr(self._own, "program", None) is not program:
            self._own.program, self._own.request = program, program.create_infer_request()
        request: openvino.InferRequest = self._own.request
        return request
