"""What the networks of a training run start from: random numbers, ImageNet weights, or weights trained before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from facesynth import weights
from facesynth.core.errors import ConfigError, TrainingError
from facesynth.inference import networks
from facesynth.inference.convert import read_state
from facesynth.models.parser import ParserNet
from facesynth.models.perceptual import MobileNetFeatures, PerceptualDistance, Vgg19Features

# What may differ between weights and the network that starts from them: neither changes what a parameter means.
_FREE = ("size", "spectral")
_POWER_ITERATIONS = 20


def initialise(network: nn.Module) -> None:
    """Xavier-normal weights with gain 0.02 and zero biases (NVlabs/SPADE's defaults); style paths start at 0."""
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
        elif ".style." in name:
            nn.init.zeros_(parameter)
        elif not name.endswith("noise_0.weight") and not name.endswith("noise_1.weight"):
            nn.init.xavier_normal_(parameter, gain=0.02)


def load_backbone(network: ParserNet, name: str) -> None:
    """Put ImageNet weights in torchvision's layout into the parser's trunk."""
    _load_part(network.trunk, name)


def load_initial(name: str, base: Path, parts: Mapping[str, tuple[networks.Spec, nn.Module]]) -> None:
    """Put the parameters of a weights file (by name, or by path from `base`) into networks of the same specs.

    Sizes may differ where the parameters do not. ConfigError when the file's networks are built otherwise.
    """
    path = weights.locate(name if name in weights.manifest() else base / name)
    found = networks.load(path, tuple(parts), torch.device("cpu"))
    for part, (spec, module) in parts.items():
        old, source = found[part]
        mine, theirs = dataclasses.asdict(spec), dataclasses.asdict(old)
        unlike = [
            f"{key} {theirs[key]}, not {mine[key]}" for key in mine if key not in _FREE and mine[key] != theirs[key]
        ]
        if unlike:
            raise ConfigError(
                f"its {part} has {', '.join(unlike)}", where=path, hint="change the pipeline file, or start anew"
            )
        try:
            _take_over(module, source.state_dict())
        except (KeyError, RuntimeError) as error:  # one more or one less block, which sizes bring
            hint = "change the pipeline file, or start anew"
            raise ConfigError(f"its {part} of size {theirs['size']} has other layers", where=path, hint=hint) from error


@torch.no_grad()
def _take_over(module: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load the state of a plain network into one that may have spectral normalisation.

    Stored weights are normalised, so they become the raw weights, and σ is found anew by power iterations.
    """
    for prefix, layer in module.named_modules():
        if nn.utils.parametrize.is_parametrized(layer, "weight"):
            layer.weight = state[f"{prefix}.weight"]
            layer.train()
            for _ in range(_POWER_ITERATIONS):
                _ = layer.weight
    own = module.state_dict()
    raw = {key: value for key, value in own.items() if ".parametrizations." in key}  # set above
    module.load_state_dict({**raw, **{key: value for key, value in state.items() if not _is_normalised(key, own)}})


def _is_normalised(key: str, own: Mapping[str, torch.Tensor]) -> bool:
    """Whether a plain network's weight is one that spectral normalisation makes of a raw one here."""
    return key.endswith(".weight") and f"{key[: -len('.weight')]}.parametrizations.weight.original" in own


def load_perceptual(name: str) -> PerceptualDistance:
    """Build the perceptual distance over ImageNet features named in the weights manifest."""
    features = MobileNetFeatures() if name.startswith("mobilenet") else Vgg19Features()
    target: nn.Module = features.trunk if isinstance(features, MobileNetFeatures) else features
    _load_part(target, name)
    return PerceptualDistance(features)


def _load_part(module: nn.Module, name: str) -> None:
    path = weights.locate(name)
    state = read_state(path)
    own = module.state_dict()
    found = {key: value for key, value in state.items() if key in own}
    if found.keys() != own.keys():
        raise TrainingError(f"{name} lacks layers of {type(module).__name__}", where=path)
    module.load_state_dict(found)
