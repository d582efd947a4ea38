"""Other people's parsers: an ONNX graph with 19 classes, its outputs made into logits in our order of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.labels import NUM_LABELS, LabelSchema, schema_named
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference.engines import openvino_runtime
from facesynth.inference.engines.onnx_runtime import open_session, runner
from facesynth.inference.engines.seam import Engine
from facesynth.inference.foreign_header import header_of, metadata_of
from facesynth.inference.foreign_input import DEFAULTS, InputDeclaration, Intake

_FLOATS = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}


@dataclass(frozen=True, slots=True)
class _InputForm:
    """A graph's input: its type, whether channels come last, and its fixed batch, height and width; None: any."""

    dtype: torch.dtype
    channels_last: bool
    batch: int | None
    height: int | None
    width: int | None


def load_foreign(
    path: Path, *, schema: str | None, declared: InputDeclaration, engine: str, sha256: Digest | None
) -> tuple[Callable[[Tensor], Tensor], Intake]:
    """Open an ONNX parser: what makes a batch N×3×H×W into N×19×h×w logits or N×h×w labels, and its intake.

    Both come in CelebAMask-HQ's order. Raises UsageError for declarations that are missing or contradict the graph,
    WeightsError for a graph that is no parser of 19 classes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error
    if sha256 is not None and sha256_bytes(data) != sha256:
        raise WeightsError("the file changed while it was being read", where=path, hint="run again")
    header = header_of(metadata_of(data, path), path, schema=schema, declared=declared)
    if engine not in ("auto", "onnx", "openvino"):
        raise UsageError(f"the engine {engine} runs no ONNX file", where=path, hint="use --engine onnx or openvino")
    session = open_session(data, str(path))
    form = _input_form(session.get_inputs(), path)
    intake = _intake(form, header.declared, path)
    graph = runner(session) if engine != "openvino" else _by_openvino(data, path)
    fed = _fed(graph, form)
    return _standard(fed, schema_named(header.schema), _choose(fed, intake, path)), intake


def _by_openvino(data: bytes, path: Path) -> Engine:
    return openvino_runtime.runner(openvino_runtime.read_graph(data, str(path)), torch.float32)


def _input_form(inputs: Sequence[Any], path: Path) -> _InputForm:
    fits = "a parser takes one float image, N×3×H×W or N×H×W×3"
    if len(inputs) != 1 or inputs[0].type not in _FLOATS or len(inputs[0].shape) != 4:
        told = ", ".join(f"{each.type} of shape {each.shape}" for each in inputs)
        raise WeightsError(f"its input is {told}; {fits}", where=path)
    sides = [side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape]
    channels_last = sides[3] == 3 and sides[1] != 3
    if not channels_last and sides[1] not in (3, None):
        raise WeightsError(f"its input is of shape {inputs[0].shape}; {fits}", where=path)
    height, width = sides[1:3] if channels_last else sides[2:4]
    return _InputForm(_FLOATS[inputs[0].type], channels_last, sides[0], height, width)


def _intake(form: _InputForm, declared: InputDeclaration, path: Path) -> Intake:
    chosen = declared.over(DEFAULTS)
    for side in (form.height, form.width):
        if side is not None and declared.size is not None and side != declared.size:
            what = f"size={declared.size} is declared, but the graph takes {form.width}×{form.height}"
            raise UsageError(what, where=path, hint="leave size out: the graph says it")
    assert chosen.size is not None and chosen.normalisation is not None and chosen.order is not None
    return Intake(
        height=form.height or chosen.size,
        width=form.width or chosen.size,
        normalisation=chosen.normalisation,
        order=chosen.order,
    )


def _fed(graph: Engine, form: _InputForm) -> Engine:
    """The graph behind an input of any batch size, N×3×H×W float32."""

    def run(x: Tensor) -> tuple[Tensor, ...]:
        x = (x.permute(0, 2, 3, 1) if form.channels_last else x).to(form.dtype)
        if form.batch is None:
            return graph(x)
        filled = torch.cat((x, x[:1].expand(-len(x) % form.batch, -1, -1, -1)))
        found = [graph(filled[start : start + form.batch]) for start in range(0, len(filled), form.batch)]
        return tuple(torch.cat(parts)[: len(x)] for parts in zip(*found, strict=True))

    return run


def _choose(graph: Engine, intake: Intake, path: Path) -> int:
    """Which output to take: the first one of 19 channels, else the first one of labels."""
    with torch.inference_mode():
        outputs = graph(torch.zeros(1, 3, intake.height, intake.width))
    for fits in (_is_logits, _is_ids):
        for index, output in enumerate(outputs):
            if fits(output):
                return index
    told = ", ".join(f"{'×'.join(str(side) for side in output.shape)} of {output.dtype}" for output in outputs)
    what = f"its outputs are {told}: none has the {NUM_LABELS} classes of a face parser"
    hint = f"give a graph with logits N×{NUM_LABELS}×H×W or N×H×W×{NUM_LABELS}, or whole-number labels N×H×W"
    raise WeightsError(what, where=path, hint=hint)


def _is_logits(output: Tensor) -> bool:
    return output.is_floating_point() and output.ndim == 4 and NUM_LABELS in (output.shape[1], output.shape[3])


def _is_ids(output: Tensor) -> bool:
    return not output.is_floating_point() and (output.ndim == 3 or (output.ndim == 4 and output.shape[1] == 1))


def _standard(graph: Engine, schema: LabelSchema, index: int) -> Callable[[Tensor], Tensor]:
    """The chosen output in CelebAMask-HQ's order."""
    channels = torch.from_numpy(schema.from_standard.astype("int64"))
    labels = torch.from_numpy(schema.to_standard.copy())

    def run(x: Tensor) -> Tensor:
        output = graph(x)[index]
        if output.is_floating_point():
            logits = output if output.shape[1] == NUM_LABELS else output.permute(0, 3, 1, 2)
            return logits.float()[:, channels]
        ids = output.reshape(len(output), *output.shape[-2:]).long()
        if ids.min() < 0 or ids.max() >= NUM_LABELS:
            raise WeightsError(f"the parser answers with labels from {int(ids.min())} to {int(ids.max())}, "
                               f"they must be 0 to {NUM_LABELS - 1}")  # fmt: skip
        return labels[ids]

    return run
