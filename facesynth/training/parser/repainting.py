"""A fixed generator that paints photos anew from what a parser says of them: what a cycle goes back through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.foreign.header import is_foreign
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.perceptual import PerceptualDistance
from facesynth.models.region_pooling import present
from facesynth.models.specs import GeneratorSpec
from facesynth.training.initial import learnable, load_perceptual
from facesynth.training.runs.parser import ParserRun


@dataclass(frozen=True, slots=True)
class Repainter:
    """A generator and its encoder in eval mode, which learn nothing, the sha256 of their file, and what tells photos
    from painted pictures beside their pixels."""

    generator: SpadeGenerator
    encoder: StyleEncoder
    sha256: Digest
    perceptual: PerceptualDistance | None = None

    @property
    def size(self) -> int:
        """The side of the pictures."""
        return self.generator.spec.size

    def to(self, device: torch.device) -> Repainter:
        """The same on another device, with the memory layout that convolutions are fast with."""
        generator, encoder = self.generator.to(device), self.encoder.to(device)
        for network in (generator, encoder):
            network.to(memory_format=torch.channels_last)
        perceptual = None if self.perceptual is None else self.perceptual.to(device)
        return Repainter(generator, encoder, self.sha256, perceptual)

    def __call__(self, label_map: Tensor, photos: Tensor, own: Tensor, noise: Sequence[Tensor] | None) -> Tensor:
        """Paint photos N×3×S×S in -1..1 anew, each in its own style; gradients flow to `label_map` alone.

        `label_map` N×labels×S×S is one-hot or probabilities. `own`, one-hot, says where an encoder of regions finds
        them; regions that a photo does not show are painted in the learned average. `noise` is the generator's.
        """
        with torch.no_grad():
            style, _ = self.encoder(photos, own)
            style = style.float()
            if self.generator.regions is not None:
                style = self.generator.regions.completed(style, 1 - present(own).float())
        painted: Tensor = self.generator(label_map, style, noise)
        return painted.float()


def cycle_generator(config: ParserRun, base: Path) -> GeneratorSpec | None:
    """What generator a run's cycle goes back through; None where a run has no cycle. Raises as `load_repainter`."""
    if config.cycle is None:
        return None
    generator, _, _ = _loaded(config, config.cycle.generator, base)
    return generator.spec


def load_repainter(config: ParserRun, base: Path) -> Repainter | None:
    """Load what a run's cycle goes back through; None where a run has no cycle.

    A relative file is looked for from `base`. UsageError for a cycle without photos, ConfigError for a generator of
    other labels or of another architecture, a judge or an ONNX file, and WeightsError for a file that cannot be used.
    """
    cycle = config.cycle
    if cycle is None:
        return None
    if not cycle.folders:
        hint = "add --set cycle.folders=[DIR], aligned faces that need no label maps"
        raise UsageError("the cycle has no photos to go round with", hint=hint)
    generator, encoder, sha256 = _loaded(config, cycle.generator, base)
    return Repainter(generator, encoder, sha256, load_perceptual(cycle.features) if cycle.perceptual else None)


def _loaded(config: ParserRun, name: str, base: Path) -> tuple[SpadeGenerator, StyleEncoder, Digest]:
    path, sha256 = learnable(name, base)
    hint = "name a SPADE generator with its encoder: --set cycle.generator=generator-spade-256-v2"
    if is_foreign(path):
        raise ConfigError("a cycle cannot go through an ONNX file", where=path, hint=hint)
    found = networks.load(path, ("generator", "encoder"), torch.device("cpu"), sha256=sha256)
    generator, encoder = found["generator"][1], found["encoder"][1]
    if not isinstance(generator, SpadeGenerator) or not isinstance(encoder, StyleEncoder):
        raise ConfigError("its generator does not paint from label maps", where=path, hint=hint)
    if generator.spec.labels != config.parser.labels:
        what = f"its generator paints {generator.spec.labels} labels, the parser tells {config.parser.labels} apart"
        raise ConfigError(what, where=path, hint=hint)
    return generator, encoder, sha256
