"""A torch module as an ONNX graph."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from facesynth.core.errors import DependencyMissing, WeightsError
from facesynth.inference.engines.seam import Task

INPUT, OUTPUT = "face", "logits"
_OPSET = 17


def onnx_graph(task: Task) -> bytes:
    """Export the module in float32, for any batch size: input `face`, output `logits`. Raises as `traced` does."""
    axes = {0: "batch"}
    return traced(
        task.network,
        {INPUT: task.example},
        OUTPUT,
        open_axes={INPUT: axes, OUTPUT: axes},
        where=task.where,
    )


def traced(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    output: str,
    *,
    open_axes: Mapping[str, Mapping[int, str]],
    where: str | None,
) -> bytes:
    """Export a module of one output by running it on inputs, which it takes in that order. Raises WeightsError.

    `open_axes` names the axes that may have other lengths. DependencyMissing without the package `onnx`. The exporter
    that traces takes half a second; the newer takes four.
    """
    try:
        import onnx  # noqa: F401 - the exporter finds out that it is absent when its work is done
    except ImportError as error:
        raise DependencyMissing("onnx", "engines") from error
    with tempfile.TemporaryDirectory(prefix="facesynth-") as folder, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                network,
                tuple(inputs.values()),
                file,
                dynamo=False,
                opset_version=_OPSET,
                input_names=list(inputs),
                output_names=[output],
                dynamic_axes={name: dict(axes) for name, axes in open_axes.items()},
            )
        except RuntimeError as error:
            [said, *_] = str(error).splitlines() or [type(error).__name__]
            raise WeightsError(
                f"cannot be written as an ONNX graph ({said})", where=where, hint="use --engine eager"
            ) from error
        return file.read_bytes()
