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
from facesynth.inference.foreign.declaration import DEFAULTS, InputDeclaration, Intake
from facesynth.inference.foreign.header import header_of, metadata_of, refuse_engine
from facesynth.inference.lanes import Cores

_ONE = 1e-3
"""How far the probabilities of a pixel may be from 1 in sum: float16 leaves half of it."""
_LEAST = 1e-12
"""What a probability is at least, before its logarithm is taken."""
_LEAST_SIDE = 8
"""What a picture of logits or labels measures at least: smaller ones are a classifier's answer about all of it."""
_FLOATS = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}


@dataclass(frozen=True, slots=True)
class _InputForm:
    """A graph's input: its type, whether channels come last, and its fixed batch, height and width; None: any."""

    dtype: torch.dtype
    channels_last: bool
    batch: int | None
    height: int | None
    width: int | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """Which output is taken, the axis of its 19 classes (None: it holds labels), and if they are probabilities."""

    index: int
    axis: int | None = None
    probabilities: bool = False


def load_foreign(
    path: Path,
    *,
    schema: str | None,
    declared: InputDeclaration,
    engine: str,
    sha256: Digest | None,
    cores: Cores,
) -> tuple[Callable[[Tensor], Tensor], Intake]:
    """Open an ONNX parser: what makes a batch N×3×H×W into N×19×h×w logits or N×h×w labels, and its intake.

    Both come in CelebAMask-HQ's order. As many threads as `cores` has lanes may call it at once.
    Raises UsageError for declarations that are missing or contradict the graph, WeightsError for a graph that is no
    parser of 19 classes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error
    if sha256 is not None and sha256_bytes(data) != sha256:
        raise WeightsError("the file changed while it was being read", where=path, hint="run again")
    header = header_of(metadata_of(data, path), path, schema=schema, declared=declared)
    refuse_engine(engine, path)
    session = open_session(data, str(path), cores)
    form = _input_form(session.get_inputs(), path)
    intake = _intake(form, header.declared, path)
    graph = runner(session, str(path)) if engine != "openvino" else _by_openvino(data, path, cores)
    fed = _fed(graph, form)
    return _standard(fed, schema_named(header.schema), _choose(fed, intake, path), path), intake


def _by_openvino(data: bytes, path: Path, cores: Cores) -> Engine:
    graph = openvino_runtime.read_graph(data, str(path))
    return openvino_runtime.runner(graph, torch.float32, str(path), cores)


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


def _choose(graph: Engine, intake: Intake, path: Path) -> _Answer:
    """Which output to take: the first one whose channels are 19, else whose last axis is, else one of labels."""
    draw = torch.Generator().manual_seed(0)
    try:
        with torch.inference_mode():
            outputs = graph(torch.randn(1, 3, intake.height, intake.width, generator=draw))
    except WeightsError as error:
        size = f"{intake.width}×{intake.height}"
        hint = f"it was given {size} pixels: declare the size it was made for, --parser-input size=SIZE"
        raise WeightsError(error.what, where=path, hint=hint) from error
    for axis in (1, 3):
        for index, output in enumerate(outputs):
            if _is_logits(output, axis, intake):
                return _Answer(index, axis, _is_softmax(output, axis))
    for index, output in enumerate(outputs):
        if _is_ids(output):
            return _Answer(index)
    told = ", ".join(f"{'×'.join(str(side) for side in output.shape)} of {output.dtype}" for output in outputs)
    what = f"its outputs are {told}: none has the {NUM_LABELS} classes of a face parser at each pixel"
    hint = f"give a graph with logits N×{NUM_LABELS}×H×W or N×H×W×{NUM_LABELS}, or whole-number labels N×H×W"
    raise WeightsError(what, where=path, hint=hint)


def _is_logits(output: Tensor, axis: int, intake: Intake) -> bool:
    """Whether an output has 19 classes along an axis and the picture's proportions, to a pixel, along the others."""
    if not output.is_floating_point() or output.ndim != 4 or output.shape[axis] != NUM_LABELS:
        return False
    height, width = (side for place, side in enumerate(output.shape) if place not in (0, axis))
    if min(height, width) < _LEAST_SIDE:
        return False
    return abs(height - width * intake.height / intake.width) <= max(1, intake.height / intake.width)


def _is_softmax(output: Tensor, axis: int) -> bool:
    """Whether an output on an arbitrary picture is probabilities."""
    values = output.float()
    sums = values.sum(axis)
    return bool((values >= 0).all()) and bool(((sums - 1).abs() <= _ONE).all())


def _is_ids(output: Tensor) -> bool:
    if output.is_floating_point() or not (output.ndim == 3 or (output.ndim == 4 and output.shape[1] == 1)):
        return False
    return min(output.shape[-2:]) >= _LEAST_SIDE


def _standard(graph: Engine, schema: LabelSchema, answer: _Answer, path: Path) -> Callable[[Tensor], Tensor]:
    """The chosen output in CelebAMask-HQ's order."""
    channels = torch.from_numpy(schema.from_standard.astype("int64"))
    labels = torch.from_numpy(schema.to_standard.copy())

    def run(x: Tensor) -> Tensor:
        output = graph(x)[answer.index]
        if answer.axis is not None:
            logits = output.movedim(answer.axis, 1).float()[:, channels]
            return logits.clamp_min(_LEAST).log() if answer.probabilities else logits
        ids = output.reshape(len(output), *output.shape[-2:]).long()
        if ids.min() < 0 or ids.max() >= NUM_LABELS:
            what = f"the parser answers with labels from {int(ids.min())} to {int(ids.max())}, "
            raise WeightsError(f"{what}they must be 0 to {NUM_LABELS - 1}", where=path)
        return labels[ids]

    return run
