"""What the networks of a training run start from: random numbers, ImageNet weights, or weights trained before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from facesynth import weights
from facesynth.core.errors import ConfigError, TrainingError
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.convert import read_state
from facesynth.models.generator import SpadeGenerator
from facesynth.models.parser import ParserNet
from facesynth.models.perceptual import MobileNetFeatures, PerceptualDistance, Vgg19Features

# What may differ between weights and the network that starts from them: none of these changes what a parameter means.
_FREE = ("size", "spectral", "mirrored", "region_correlation", "face_correlation")
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
    """Put ImageNet weights, as they were published for its kind of trunk, into the parser's trunk."""
    _load_part(network.trunk, name, network.trunk.published_name)


def expect_frequencies(network: ParserNet, pixels: NDArray[np.int64]) -> None:
    """Let a new parser begin with the labels' frequencies as its answer: log share, at least of 1e-4, is their bias.

    `pixels` are counts by label. Beginning with all labels alike, the first steps go into learning this (Lin et al.
    2017, section 3.3).
    """
    classify = network.get_submodule("head.classify")
    assert isinstance(classify, nn.Conv2d) and classify.bias is not None
    share = pixels / pixels.sum()
    with torch.no_grad():
        classify.bias.copy_(torch.from_numpy(np.log(np.maximum(share, 1e-4))))


def learnable(name: str, base: Path) -> tuple[Path, Digest]:
    """The file of weights that a run learns from, by name or by path from `base`, and its sha256.

    ConfigError for a judge: what learns from it is not judged by it any more. WeightsMissing where there is no file.
    """
    path = weights.locate(name if name in weights.manifest() else base / name)
    sha256 = weights.sha256_of(path)
    for entry in weights.manifest().values():
        if entry.kind == "judge" and entry.sha256 == sha256:
            hint = f"name other weights: {entry.name} is kept for scoring"
            raise ConfigError("nothing may learn from a judge", where=path, hint=hint)
    return path, sha256


_Parts = Mapping[str, tuple[networks.Spec, nn.Module]]


def load_initial(
    name: str,
    base: Path,
    parts: _Parts,
    optional: _Parts = MappingProxyType({}),
    *,
    on_note: Callable[[str], None] = lambda note: None,
) -> None:
    """Put the parameters of a weights file (by name, or by path from `base`) into networks of the same specs.

    Of the `optional` parts those that the file holds; the others start as they are. Sizes may differ where the
    parameters do not. A generator with a style for each region may start from one with a style for the face, see
    `_with_regions`; its encoder, which then has to read something else, starts anew, and `on_note` is told so.
    ConfigError when the file's networks are built otherwise.
    """
    path, sha256 = learnable(name, base)
    held = _parts_of(path)
    wanted = {**parts, **{part: both for part, both in optional.items() if part in held}}
    found = networks.load(path, tuple(wanted), torch.device("cpu"), sha256=sha256)
    for part, (spec, module) in wanted.items():
        old, source = found[part]
        if type(old) is not type(spec):
            hint = "start from weights of the same kind of network, or anew"
            raise ConfigError(f"its {part} is of another architecture", where=path, hint=hint)
        mine, theirs = dataclasses.asdict(spec), dataclasses.asdict(old)
        state = source.state_dict()
        if mine.get("style_regions") and theirs.get("style_regions") is False:
            if not isinstance(module, SpadeGenerator):
                on_note(f"{part}: starts anew, that of {path.name} reads no styles of regions")
                continue
            del mine["style_regions"]
            state = _with_regions(module, state)
        unlike = [
            f"{key} {theirs[key]}, not {mine[key]}" for key in mine if key not in _FREE and mine[key] != theirs[key]
        ]
        if unlike:
            raise ConfigError(
                f"its {part} has {', '.join(unlike)}", where=path, hint="change the pipeline file, or start anew"
            )
        try:
            _take_over(module, state)
        except (KeyError, RuntimeError) as error:  # one more or one less block, which sizes bring
            size = f" of size {theirs['size']}" if "size" in theirs else ""
            hint = "change the pipeline file, or start anew"
            raise ConfigError(f"its {part}{size} has other layers", where=path, hint=hint) from error


def _parts_of(path: Path) -> Sequence[str]:
    """The networks that a weights file says it holds; none where it says nothing that can be read."""
    try:
        specs = json.loads(weights.read_header(path).get("specs", "{}"))
    except ValueError:
        return ()
    return tuple(specs) if isinstance(specs, dict) else ()


def _with_regions(module: SpadeGenerator, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state of a generator with one style for the face → of one with a style for each region.

    Where all styles are 0 it paints what the other painted from style 0: the learned first layer is then its first
    layer's bias, and regions read their styles as they are.
    """
    own = module.state_dict()
    new = {key: torch.zeros_like(value) for key, value in own.items() if key.startswith("regions.")}
    kept = {key: value for key, value in state.items() if not key.startswith("first.")}
    return {**kept, **new, "constant": state["first.bias"]}


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


def _load_part(module: nn.Module, name: str, published: Callable[[str], str] = str) -> None:
    """Load those of a file's tensors that the module has; `published` tells how the file calls one of its own."""
    path = weights.locate(name)
    state = read_state(path)
    own = module.state_dict()
    if not {published(key) for key in own} <= state.keys():
        hint = "name the backbone of this trunk, or null to start from noise"
        raise TrainingError(f"{name} lacks layers of {type(module).__name__}", where=path, hint=hint)
    module.load_state_dict({key: state[published(key)] for key in own})
