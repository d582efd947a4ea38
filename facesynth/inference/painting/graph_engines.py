"""Generators painted by ONNX Runtime and OpenVINO, on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.core.errors import DeviceError, UsageError
from facesynth.inference.engines import onnx_runtime, openvino_runtime
from facesynth.inference.engines.graphs import traced
from facesynth.inference.engines.seam import not_run
from facesynth.inference.lanes import Cores
from facesynth.inference.painting.seam import Example, PaintEngine, Style
from facesynth.inference.painting.signature import OUTPUT, FlatPaintGraph, Signature
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.folded_spade.generator import Rows
from facesynth.models.folded_spade.places import Places
from facesynth.models.generator import SpadeGenerator


def onnx_painting(generator: SpadeGenerator, dtype: torch.dtype, shown: Example, where: str | None) -> PaintEngine:
    """By ONNX Runtime. Raises UsageError for any precision but float32."""
    if dtype != torch.float32:
        raise UsageError(
            "ONNX Runtime computes in float32 on a CPU", hint="use --precision float32 or another --engine"
        )
    signature = Signature(generator)
    session = onnx_runtime.open_session(_graph(generator, shown, where), where)

    def paint(places: Mapping[int, Places], rows: Rows, style: Style, noise: Sequence[Tensor] | None) -> Tensor:
        given = signature.of_rows(places, rows, style, noise)
        try:
            [found] = session.run(None, {name: each.contiguous().numpy() for name, each in given.items()})
        except Exception as error:  # its exceptions share no base class
            raise not_run("ONNX Runtime", (1,), error, where) from error
        return torch.from_numpy(found)

    return PaintEngine("onnx", torch.float32, paint)


def openvino_painting(generator: SpadeGenerator, dtype: torch.dtype, shown: Example, where: str | None) -> PaintEngine:
    """By OpenVINO. Raises UsageError for a precision but float32 and bf16, DeviceError without bf16 here.

    In float32 one program serves any number of patterns. In bf16 that would take twice the time of one for fixed
    numbers: there rows are padded to powers of two, and a program is compiled where these change, in 0.3 s.
    """
    if dtype not in openvino_runtime.PRECISIONS:
        raise UsageError("OpenVINO computes in float32 or bf16 here", hint="use --precision float32 or bf16")
    if dtype == torch.bfloat16 and not openvino_runtime.has_bf16():
        raise DeviceError("this processor has no bf16", hint="use --precision float32")
    signature = Signature(generator)
    model = openvino_runtime.read_graph(_graph(generator, shown, where), where)
    programs = openvino_runtime.Programs(model, openvino_runtime.PRECISIONS[dtype], Cores())

    def paint(places: Mapping[int, Places], rows: Rows, style: Style, noise: Sequence[Tensor] | None) -> Tensor:
        given = signature.of_rows(places, rows, style, noise)
        fixed: dict[str, tuple[int, ...]] = {}
        if dtype == torch.bfloat16:
            for name in signature.open_axes(list(given)):
                given[name] = _padded(given[name])
                fixed[name] = tuple(given[name].shape)
        try:
            request = programs.request(fixed)
            found = request.infer({name: each.contiguous().numpy() for name, each in given.items()}, share_inputs=True)
            return torch.from_numpy(found[0].copy())
        except RuntimeError as error:
            raise not_run("OpenVINO", (1,), error, where) from error

    return PaintEngine("openvino", torch.float32, paint)


def _graph(generator: SpadeGenerator, shown: Example, where: str | None) -> bytes:
    """What paints from rows, as an ONNX graph."""
    signature = Signature(generator)
    traces: list[bytes] = []

    def trace(places: Mapping[int, Places], rows: Rows, style: Style, noise: Sequence[Tensor] | None) -> Tensor:
        given = signature.of_rows(places, rows, style, noise)
        axes = signature.open_axes(list(given))
        traces.append(traced(FlatPaintGraph(generator), given, OUTPUT, open_axes=axes, where=where))
        return shown.picture

    PatternPainter(generator, torch.float32, engine=PaintEngine("trace", torch.float32, trace))(
        shown.ids, shown.style, shown.noise
    )
    return traces[0]


def _padded(rows: Tensor) -> Tensor:
    """With rows that nobody asks for, to a number that is a power of two."""
    more = (1 << (len(rows) - 1).bit_length()) - len(rows)
    return F.pad(rows, (0, 0) * (rows.ndim - 1) + (0, more))
