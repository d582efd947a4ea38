"""Summaries of networks: what each layer is, gives and costs, of the SPN paper's networks and of weights files."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.errors import UsageError, WeightsDamaged, WeightsError
from facesynth.inference import networks
from facesynth.inference.network_cost import LayerCost, layer_costs
from facesynth.models.normalisation.options import NormalisationName
from facesynth.models.resnet_gan.architectures import ARCHITECTURES
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from facesynth.models.specs import (
    BisenetSpec,
    DiscriminatorSpec,
    EncoderSpec,
    GeneratorSpec,
    ParserSpec,
    SegmentationDiscriminatorSpec,
)

Spec = networks.Spec | ResnetGeneratorSpec | ResnetDiscriminatorSpec
_USUAL_SIDE = 256
"""Pixels of the pictures that a discriminator is summarised for, where nothing tells their size."""
_MASKED: frozenset[NormalisationName] = frozenset({"spn", "cspn"})


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkSummary:
    """A network's layers, and what they cost in all, for one picture."""

    name: str
    about: str
    spec: Spec
    side: int
    """Pixels of the pictures that it is summarised for."""
    layers: tuple[LayerCost, ...]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of all convolutions and linear layers."""
        return sum(layer.multiply_adds for layer in self.layers)

    def told(self) -> dict[str, Any]:
        """All of it, for JSON."""
        fields = dataclasses.asdict(self)
        return fields | {"parameters": self.parameters, "multiply_adds": self.multiply_adds}


def summarise(name_or_path: str | os.PathLike[str]) -> tuple[NetworkSummary, ...]:
    """Summarise a network of the SPN paper by its name, or each network of weights, by their name or file.

    Raises UsageError for a name that nothing has, with those that come near, and WeightsError for files of other kinds.
    """
    name = os.fspath(name_or_path)
    if name in ARCHITECTURES:
        spec, about = ARCHITECTURES[name]
        # Spectral normalisation adds no parameters, and none of its work to what is run.
        with torch.device("meta"):
            network = _made(dataclasses.replace(spec, spectral=False))
        side = int(name.rpartition("-")[2])
        return (_summary(name, about, spec, network, side),)
    if name not in weights.manifest() and not os.path.exists(name):
        known = [*ARCHITECTURES, *weights.manifest()]
        near = difflib.get_close_matches(name.casefold(), known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"use one of: {', '.join(ARCHITECTURES)}, or weights"
        raise UsageError("no network, no weights and no file are called that", where=name, hint=hint)
    return tuple(_of_file(weights.locate(name)))


def _of_file(path: Path) -> Iterator[NetworkSummary]:
    if path.suffix in (".onnx", ".xml", ".dat"):
        what = "is a network of another program's, whose layers facesynth does not know"
        raise WeightsError(what, where=path, hint="name a *.safetensors file, or see: facesynth weights list")
    header = weights.read_header(path)
    try:
        names = tuple(json.loads(header.get("specs", "{}")))
    except ValueError as error:
        raise WeightsDamaged(f"its metadata cannot be read ({error})", where=path) from error
    loaded = networks.load(path, names, torch.device("cpu"))
    sides = [spec.size for spec, _ in loaded.values() if hasattr(spec, "size")]
    side = sides[0] if sides else _USUAL_SIDE
    for name, (spec, network) in loaded.items():
        yield _summary(name, f"in {path.name}", spec, network, getattr(spec, "size", side))


def _summary(name: str, about: str, spec: Spec, network: nn.Module, side: int) -> NetworkSummary:
    layers = layer_costs(network, _INPUTS[type(spec)](spec, side))
    notes = []
    if isinstance(spec, ResnetGeneratorSpec) and spec.normalisation in _MASKED:
        notes.append("kernels over masks count as the paper's four convolutions each, of which two are run")
    return NetworkSummary(name, about, spec, side, layers, tuple(notes))


def _made(spec: ResnetGeneratorSpec | ResnetDiscriminatorSpec) -> nn.Module:
    return ResnetGenerator(spec) if isinstance(spec, ResnetGeneratorSpec) else ResnetDiscriminator(spec)


def _generator_inputs(spec: GeneratorSpec, side: int) -> tuple[Tensor, ...]:
    style = torch.zeros((1, spec.labels, spec.style_channels) if spec.style_regions else (1, spec.style_channels))
    return torch.zeros(1, spec.labels, side, side), style


def _encoder_inputs(spec: EncoderSpec, side: int) -> tuple[Tensor, ...]:
    face = torch.zeros(1, 3, side, side)
    return (face, torch.zeros(1, spec.labels, side, side)) if spec.style_regions else (face,)


def _condition(classes: int) -> Tensor | None:
    return torch.zeros(1, classes) if classes else None


_INPUTS: Mapping[type, Callable[[Any, int], tuple[Tensor | None, ...]]] = MappingProxyType(
    {
        ParserSpec: lambda spec, side: (torch.zeros(1, 3, side, side),),
        BisenetSpec: lambda spec, side: (torch.zeros(1, 3, side, side),),
        GeneratorSpec: _generator_inputs,
        EncoderSpec: _encoder_inputs,
        DiscriminatorSpec: lambda spec, side: (
            torch.zeros(1, spec.labels, side, side),
            torch.zeros(1, 3, side, side),
        ),
        SegmentationDiscriminatorSpec: lambda spec, side: (torch.zeros(1, 3, side, side),),
        ResnetGeneratorSpec: lambda spec, side: (torch.zeros(1, spec.z_channels), _condition(spec.classes)),
        ResnetDiscriminatorSpec: lambda spec, side: (torch.zeros(1, 3, side, side), _condition(spec.classes)),
    }
)
"""What a network of each kind takes for one picture of a side."""
