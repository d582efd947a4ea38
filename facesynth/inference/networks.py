"""Networks from specs and weights files: building, loading, saving."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facesynth.core.errors import WeightsDamaged, WeightsError
from facesynth.core.labels import STANDARD
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.parser import ParserNet
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec, ParserSpec
from facesynth.weights import read_header

Spec = ParserSpec | GeneratorSpec | EncoderSpec | DiscriminatorSpec

_NETWORKS: Mapping[str, tuple[type[Any], Callable[[Any], nn.Module]]] = MappingProxyType(
    {
        "parser": (ParserSpec, ParserNet),
        "generator": (GeneratorSpec, SpadeGenerator),
        "encoder": (EncoderSpec, StyleEncoder),
        "discriminator": (DiscriminatorSpec, Discriminator),
    }
)
FORMAT = "facesynth-1"


def build(spec: Spec) -> nn.Module:
    """Build the network that a spec describes, with random parameters from torch's current seed."""
    for kind, make in _NETWORKS.values():
        if isinstance(spec, kind):
            return make(spec)
    raise TypeError(f"{type(spec).__name__} is not the spec of a network")


def save(
    path: Path,
    networks: Mapping[str, tuple[Spec, nn.Module]],
    *,
    licence: str = "unstated",
    half: bool = True,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write networks into one safetensors file whose metadata holds their specs, the label schema and the licence.

    Spectral normalisation is folded into the weights. `half` stores floating-point tensors in float16.
    """
    tensors: dict[str, Tensor] = {}
    for name, (_, network) in networks.items():
        for key, value in folded_state(network).items():
            stored = value.detach().cpu()
            if half and stored.is_floating_point():
                stored = stored.half()
            tensors[f"{name}.{key}"] = stored.contiguous()
    metadata = {
        "format": FORMAT,
        "specs": json.dumps({name: dataclasses.asdict(spec) for name, (spec, _) in networks.items()}, sort_keys=True),
        "labels": STANDARD,
        "licence": licence,
        **(about or {}),
    }
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, draft, metadata=metadata)
    os.replace(draft, path)


def load(path: Path, wanted: tuple[str, ...], device: torch.device) -> dict[str, tuple[Any, nn.Module]]:
    """Read the wanted networks of a weights file: name → (spec, module in eval mode, float32, on the device).

    Raises WeightsError when the file is of another kind and WeightsDamaged when it does not hold what its specs say.
    """
    metadata = read_header(path)
    if metadata.get("format") != FORMAT:
        raise WeightsError("this is not a facesynth weights file", where=path, hint="run: facesynth weights list")
    specs = json.loads(metadata["specs"])
    if missing := [name for name in wanted if name not in specs]:
        raise WeightsError(
            f"holds {', '.join(specs)}, but no {missing[0]}", where=path, hint="run: facesynth weights list"
        )
    try:
        tensors = load_file(path)
        return {name: _restore(name, specs[name], tensors, device) for name in wanted}
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsDamaged(f"the weights do not fit their description ({error})", where=path) from error


def _restore(
    name: str, fields: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
) -> tuple[Spec, nn.Module]:
    kind, _ = _NETWORKS[name]
    spec: Spec = kind(**fields)
    # The file holds folded weights: the network to run has no spectral normalisation.
    plain = spec if isinstance(spec, ParserSpec) else dataclasses.replace(spec, spectral=False)
    network = build(plain)
    own = {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{name}.")}
    network.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in own.items()})
    return spec, network.eval().requires_grad_(False).to(device)


def folded_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state with spectral normalisation multiplied out, under the names of the plain network."""
    state: dict[str, Tensor] = {}
    for key, value in network.state_dict().items():
        if ".parametrizations." not in key and not key.startswith("parametrizations."):
            state[key] = value
    for prefix, module in network.named_modules():
        if nn.utils.parametrize.is_parametrized(module, "weight"):
            training = module.training
            module.eval()  # in training mode a read would advance the power iteration
            with torch.no_grad():
                state[f"{prefix}.weight" if prefix else "weight"] = module.weight.detach().clone()
            module.train(training)
    return state
