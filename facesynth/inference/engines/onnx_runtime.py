"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facesynth.core.errors import DependencyMissing, UsageError, WeightsError
from facesynth.inference.engines.graphs import onnx_graph
from facesynth.inference.engines.seam import Engine, Task, checked, not_run
from facesynth.inference.lanes import Cores

if TYPE_CHECKING:
    import onnxruntime


def onnx(task: Task) -> Engine:
    """Export the module and run it by ONNX Runtime. Raises UsageError for any precision but float32."""
    if task.dtype != torch.float32:
        raise UsageError(
            "ONNX Runtime computes in float32 on a CPU", hint="use --precision float32 or another --engine"
        )
    engine = runner(open_session(onnx_graph(task), task.where, task.cores), task.where)
    checked(task, engine, "ONNX Runtime")
    return engine


def open_session(graph: bytes, where: str | None, cores: Cores | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX graph, by default on all of torch's threads. Raises DependencyMissing and WeightsError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise DependencyMissing("onnxruntime", "engines") from error
    options = onnxruntime.SessionOptions()
    cores = cores or Cores()
    # Its callers compute too, and all else is one pool that they share.
    options.intra_op_num_threads = max(1, cores.threads - cores.lanes + 1)
    options.log_severity_level = (
        4  # what is fatal: it raises its errors too, and warnings are for those who made the graph
    )
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        [said, *_] = str(error).splitlines() or [type(error).__name__]
        hint = "give one whole ONNX file, without external data"
        raise WeightsError(f"ONNX Runtime cannot open it ({said})", where=where, hint=hint) from error


def runner(session: onnxruntime.InferenceSession, where: str | None) -> Engine:
    """What runs a graph of one input. Raises WeightsError for an input that the graph does not take."""
    name = session.get_inputs()[0].name

    def run(x: Tensor) -> tuple[Tensor, ...]:
        try:
            found = session.run(None, {name: x.contiguous().numpy()})
        except Exception as error:  # its exceptions share no base class
            raise not_run("ONNX Runtime", tuple(x.shape), error, where) from error
        return tuple(torch.from_numpy(each) for each in found)

    return run
