"""Who teaches a parser beside its label maps: a finished parser, or the parser's own average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.labels import FLIP_TABLE
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.face_tensors import normalised
from facesynth.inference.foreign.header import is_foreign
from facesynth.models.specs import BisenetSpec, ParserSpec
from facesynth.training.augment import resized
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.initial import learnable
from facesynth.training.parser.losses import distillation
from facesynth.training.runs.parser import ParserRun, Teacher

_AnyParser: TypeAlias = ParserSpec | BisenetSpec


@dataclass(frozen=True, slots=True)
class Taught:
    """A teaching parser in eval mode, what it is, and the sha256 of its file."""

    network: nn.Module
    spec: _AnyParser
    sha256: Digest


def load_teachers(config: ParserRun, base: Path) -> tuple[Taught, ...]:
    """Load the parsers that a run names as its teachers; none where its own average teaches, or nobody.

    A relative file is looked for from `base`. UsageError for a run that has nothing to teach with, ConfigError for a
    teacher of other labels or an ONNX file, and WeightsError for a file that cannot be used.
    """
    teacher = config.teacher
    if teacher is None:
        return ()
    if not teacher.weights and not teacher.folders:
        hint = "add --set teacher.folders=[DIR], or --set teacher.weights=[NAME]"
        raise UsageError("the teacher has neither weights nor faces to teach on", hint=hint)
    return tuple(_load(name, config.parser.labels, base) for name in teacher.weights)


def _load(name: str, labels: int, base: Path) -> Taught:
    path, sha256 = learnable(name, base)
    if is_foreign(path):
        hint = "name facesynth's own weights, *.safetensors"
        raise ConfigError("a teacher cannot be an ONNX file", where=path, hint=hint)
    spec, network = networks.load(path, ("parser",), torch.device("cpu"), sha256=sha256)["parser"]
    if spec.labels != labels:
        what = f"it tells {spec.labels} labels apart, the parser {labels}"
        raise ConfigError(what, where=path, hint="name another teacher")
    return Taught(network.to(memory_format=torch.channels_last), spec, sha256)


class Teaching:
    """What networks in eval mode, asked without gradients and in the run's precision, have to say to a student."""

    def __init__(
        self, taught: Sequence[tuple[nn.Module, ParserSpec | BisenetSpec]], settings: Teacher, fabric: Fabric
    ) -> None:
        """`taught` are networks and what they are; they take turns."""
        self._taught = [(network.to(fabric.device), spec) for network, spec in taught]
        self._settings, self._fabric = settings, fabric
        self._mirror = torch.from_numpy(FLIP_TABLE.copy()).long().to(fabric.device)

    def weight(self, nimg: int) -> float:
        """What the divergence weighs in the step that starts at image `nimg`."""
        ramp = self._settings.ramp_images
        return self._settings.weight * (min(1.0, nimg / ramp) if ramp else 1.0)

    def divergence(
        self, faces: Tensor, logits: Tensor, labelled: int, turn: int, ranks: Ranks = ALONE
    ) -> tuple[Tensor, Tensor]:
        """How far a student's logits N×L×H×H are from a teacher's for faces N×3×S×S in 0..1, and which share counts.

        `turn` counts the batches: it says which of the teachers is asked. The first `labelled` faces have label maps:
        of them the student's own average has nothing to say.
        """
        first = 0 if self._settings.weights else labelled
        wanted = self(faces[first:], logits.shape[-1], turn)
        return distillation(logits[first:], wanted, self._settings.temperature, self._settings.confidence, ranks)

    @torch.no_grad()
    def __call__(self, faces: Tensor, side: int, turn: int = 0) -> Tensor:
        """Logits N×L×side×side of faces N×3×S×S in 0..1.

        With `flip` they are the mean of two, the second for the mirrored faces, with left and right exchanged.
        """
        network, spec = self._taught[turn % len(self._taught)]
        pictures = normalised(resized(faces, spec.size)).contiguous(memory_format=torch.channels_last)
        logits = self._asked(network, pictures)
        if self._settings.flip and not (isinstance(spec, ParserSpec) and spec.mirrored):  # else it is that mean already
            logits = (logits + self._asked(network, pictures.flip(-1)).flip(-1)[:, self._mirror]) / 2
        return F.interpolate(logits, (side, side), mode="bilinear", align_corners=False)

    def _asked(self, network: nn.Module, pictures: Tensor) -> Tensor:
        with self._fabric.autocast():
            logits: Tensor = network(pictures)
        return logits.float()
