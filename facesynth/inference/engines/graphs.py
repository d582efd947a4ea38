"""A torch module as an ONNX graph."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from facesynth.core.errors import DependencyMissing, WeightsError
from facesynth.inference.engines.seam import Task

INPUT, OUTPUT = "face", "logits"
_OPSET = 17


def onnx_graph(task: Task) -> bytes:
    """Export the module in float32, for any batch size: input `face`, output `logits`. Raises WeightsError.

    DependencyMissing without the package `onnx`. The exporter that traces takes half a second; the newer takes four.
    """
    try:
        import onnx  # noqa: F401 - the exporter finds out that it is absent when its work is done
    except ImportError as error:
        raise DependencyMissing("onnx", "engines") from error
    axes = {0: "batch"}
    with tempfile.TemporaryDirectory(prefix="facesynth-") as folder, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                task.network,
                (task.example,),
                file,
                dynamo=False,
                opset_version=_OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: axes, OUTPUT: axes},
            )
        except RuntimeError as error:
            [said, *_] = str(error).splitlines() or [type(error).__name__]
            raise WeightsError(
                f"cannot be written as an ONNX graph ({said})", where=task.where, hint="use --engine eager"
            ) from error
        return file.read_bytes()
