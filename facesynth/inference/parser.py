"""Faces in, label maps out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesynth import weights
from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import LABEL_NAMES, LabelMap
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.confidence import Confidence, ParsedLabels
from facesynth.inference.device import resolve_batch_size, resolve_precision, room_for
from facesynth.inference.engines.choice import build, engine_device
from facesynth.inference.engines.seam import Engine, Task
from facesynth.inference.face_tensors import parser_input
from facesynth.inference.finite import finite
from facesynth.inference.foreign.declaration import UNDECLARED, InputDeclaration, Intake
from facesynth.inference.foreign.header import is_foreign, no_probabilities, refuse_declarations
from facesynth.inference.foreign.parser import load_foreign
from facesynth.inference.label_scaling import labels_at
from facesynth.inference.lanes import Lanes
from facesynth.inference.likeness import GRID, Likeness
from facesynth.models.specs import BisenetSpec, ParserSpec

Out = TypeVar("Out")


class Parser:
    """Parses aligned faces into the 19 CelebAMask-HQ classes."""

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        spec: ParserSpec | BisenetSpec | Intake,
        *,
        device: torch.device,
        dtype: torch.dtype,
        likeness: Likeness | None = None,
        batch_size: int | None = None,
        engine: str = "eager",
        lanes: Lanes | None = None,
        where: Path | None = None,
    ) -> None:
        """`network` turns N×3×H×W into N×19×h×w logits, or into N×h×w labels; it runs in `dtype` by autocast.

        On a CPU several threads call it at once, as many as there are `lanes`: by default one for each core, up to 8.

        `batch_size` is how many faces it is given at once where a call says nothing: None is the device's own choice.
        `likeness` tells of the faces that it was trained on: without it no face is told to be unlike them. `engine` is
        what runs it, `where` its file.
        """
        self.network, self.spec, self.device, self.dtype = network, spec, device, dtype
        self.likeness, self.batch_size, self.engine = likeness, batch_size, engine
        self.intake = spec if isinstance(spec, Intake) else Intake(height=spec.size, width=spec.size)
        self.lanes, self.where = lanes or Lanes(), where

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        engine: str = "auto",
        batch_size: int | None = None,
        sha256: Digest | None = None,
        schema: str | None = None,
        declared: InputDeclaration = UNDECLARED,
        lanes: Lanes | None = None,
    ) -> Parser:
        """Load a parser by weights name or file (default: the bundled one); WeightsError when it cannot be had.

        `engine` is one of facesynth.inference.engines; `batch_size` is the one it is made for, and that of calls which
        say none: DeviceError for one beyond the memory. `sha256` is the one that its results are known by: a file that
        is another by now raises WeightsError too. `schema` and `declared` tell of another project's ONNX file the order
        of its classes and its input, and are for such a file alone. `lanes` is how many faces are parsed at once on a
        CPU: by default as many as there are cores, up to 8; `Lanes(1)` has a single face done sooner.
        """
        where = engine_device(engine, "cpu" if is_foreign(name) and device == "auto" else device)
        path = weights.locate(name or weights.default_name("parser"))
        if is_foreign(path):
            return cls._foreign(path, where, precision, engine, batch_size, sha256, schema, declared, lanes)
        refuse_declarations(path, schema, declared)
        dtype = resolve_precision(precision, where)
        found, likeness = networks.load_with_likeness(path, ("parser",), where, sha256=sha256)
        spec, network = found["parser"]
        shape = (resolve_batch_size(batch_size, where), 3, spec.size, spec.size)
        chosen = [engine]
        if engine == "compile" and where.type == "cpu":
            lanes = Lanes(1)  # its programs have their own threads
        lanes = lanes or Lanes()
        task = Task(network=network, shape=shape, device=where, dtype=dtype, where=str(path), cores=lanes.cores)

        def built(task: Task) -> Engine:
            return build(engine, task, on_chosen=chosen.append)

        # In a lane too: on a busy machine a forward pass on all cores takes seconds, its threads wait for each other.
        with room_for(shape[0]):  # engines are made for a batch, and tried on one
            run = lanes.map(built, [task])[0] if where.type == "cpu" else built(task)
        return cls(
            lambda x: run(x)[0],
            spec,
            device=where,
            dtype=torch.float32,
            likeness=likeness,
            batch_size=batch_size,
            engine=chosen[-1],
            lanes=lanes,
            where=path,
        )

    @classmethod
    def _foreign(
        cls,
        path: Path,
        device: torch.device,
        precision: str,
        engine: str,
        batch_size: int | None,
        sha256: Digest | None,
        schema: str | None,
        declared: InputDeclaration,
        lanes: Lanes | None,
    ) -> Parser:
        if device.type != "cpu" or precision not in ("auto", "float32"):
            hint = "use --device cpu and --precision float32"
            raise UsageError("an ONNX file runs on the CPU, in its own precision", where=path, hint=hint)
        lanes = lanes or Lanes()
        network, intake = load_foreign(
            path, schema=schema, declared=declared, engine=engine, sha256=sha256, cores=lanes.cores
        )
        engine = "onnx" if engine == "auto" else engine
        return cls(
            network,
            intake,
            device=device,
            dtype=torch.float32,
            batch_size=batch_size,
            engine=engine,
            lanes=lanes,
            where=path,
        )

    def __call__(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> list[ParsedLabels]:
        """Return one label map a face, at the face's own size, with how sure the parser is of it.

        Raises FacesynthError where it answers with what are no numbers, DeviceError for a batch beyond the memory.
        """
        return list(chain.from_iterable(self._map(self._parsed, faces, batch_size)))

    def probabilities(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> list[NDArray[np.float32]]:
        """Return 19×H×W float32 a face: how likely each label is at each pixel, summing to 1.

        Raises UsageError for a foreign parser that answers with labels alone, FacesynthError as a call does.
        """
        return list(chain.from_iterable(self._map(self._probabilities, faces, batch_size)))

    def layouts(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> NDArray[np.float32]:
        """Return what a likeness is made of: F×(19·GRID²) float32. Raises as `probabilities` does."""

        def of_group(group: Sequence[Photo], output: Tensor) -> NDArray[np.float32]:
            found: NDArray[np.float32] = _layouts(finite(self._checked(output).softmax(1), "the parser")).cpu().numpy()
            return found

        return np.concatenate(self._map(of_group, faces, batch_size))

    def _parsed(self, group: Sequence[Photo], output: Tensor) -> list[ParsedLabels]:
        if not output.is_floating_point():
            plain = (LabelMap(row.cpu().numpy()) for row in output)
            return [
                ParsedLabels(row.resized(face.width, face.height).ids) for face, row in zip(group, plain, strict=True)
            ]
        return [
            ParsedLabels(labels_at(row, face.height, face.width).cpu().numpy(), told)
            for face, row, told in zip(group, output, self._confidences(output), strict=True)
        ]

    def _confidences(self, logits: Tensor) -> list[Confidence]:
        """How sure the parser is of each face, of N×19×h×w logits: at their size, which is a fraction of the face's."""
        with room_for(len(logits)):
            probabilities = logits.softmax(1)
        best, labels = (each.flatten(1) for each in probabilities.max(1))
        finite(best, "the parser")  # where one logit is no number, its pixel's probabilities are none
        sums = best.new_zeros(logits.shape[:2]).scatter_add_(1, labels, best)
        pixels = best.new_zeros(logits.shape[:2]).scatter_add_(1, labels, torch.ones_like(best))
        means = (sums / pixels).cpu().numpy()
        layouts = [None] * len(means) if self.likeness is None else _layouts(probabilities).cpu().numpy()
        return [
            Confidence(
                whole,
                {name: float(mean) for name, mean in zip(LABEL_NAMES, parts, strict=True) if not np.isnan(mean)},
                None if self.likeness is None or layout is None else self.likeness.unlikeness(layout),
            ).rounded()
            for whole, parts, layout in zip(best.mean(1).tolist(), means, layouts, strict=True)
        ]

    def _probabilities(self, group: Sequence[Photo], output: Tensor) -> list[NDArray[np.float32]]:
        return [
            finite(_scaled(row, face.height, face.width).softmax(0), "the parser").cpu().numpy()
            for face, row in zip(group, self._checked(output), strict=True)
        ]

    def _checked(self, output: Tensor) -> Tensor:
        """The logits. Raises UsageError for labels, which have none."""
        if not output.is_floating_point():
            raise no_probabilities(self.where)
        return output

    def _map(
        self, work: Callable[[Sequence[Photo], Tensor], Out], faces: Sequence[Photo], batch: int | None
    ) -> list[Out]:
        """What `work` makes of each few faces and their N×19×h×w logits, or their N×h×w labels.

        Batches are padded to one size, so that their make-up changes nothing. On a CPU several are computed at once.
        """
        size = resolve_batch_size(self.batch_size if batch is None else batch, self.device)
        groups = [faces[start : start + size] for start in range(0, len(faces), size)]

        def of_group(group: Sequence[Photo]) -> Out:
            return work(group, self._output(group, size)[: len(group)])

        if self.device.type == "cpu":
            return self.lanes.map(of_group, groups)
        with torch.inference_mode():
            return [of_group(group) for group in groups]

    def _output(self, group: Sequence[Photo], batch_size: int) -> Tensor:
        """What the network says to a few faces, and to as many black ones as fill the batch.

        Raises DeviceError where these are too many for the memory: they are so for every face.
        """
        # On a CPU this runs in a lane itself; elsewhere all else waits for the faces to be scaled.
        side_by_side = None if self.device.type == "cpu" else self.lanes.map
        with room_for(batch_size):
            x = parser_input(group, self.intake, batch_size, self.device, side_by_side)
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                output = self.network(x)
            if output.is_floating_point():
                # One pixel's logits side by side: the maximum over them is found 20 times as fast on a CPU.
                output = output.float().contiguous(memory_format=torch.channels_last)
        return output


def _layouts(probabilities: Tensor) -> Tensor:
    """N×19×h×w probabilities → N×(19·GRID²)."""
    return F.adaptive_avg_pool2d(probabilities, GRID).sqrt().flatten(1)


def _scaled(row: Tensor, height: int, width: int) -> Tensor:
    """A face's 19×h×w logits at its own size."""
    if tuple(row.shape[1:]) == (height, width):
        return row
    return F.interpolate(row[None], (height, width), mode="bilinear", align_corners=False)[0]
