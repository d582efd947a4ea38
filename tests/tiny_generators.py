"""Tiny residual generators whose layers all have a say, in modules and in weights files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from facesynth.inference import networks
from facesynth.models.normalisation.statistics import BatchStatistics
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec

PETS = ("cat", "dog", "Great Dane")


def tiny_spec(normalisation: Any = "spn", classes: int = 0, **more: Any) -> ResnetGeneratorSpec:
    """For 16 pixels: two blocks, both starred."""
    shape: dict[str, Any] = {"size": 16, "width": 4, "max_width": 6, "z_channels": 8, **more}
    return ResnetGeneratorSpec(normalisation=normalisation, classes=classes, **shape)


def tiny_generator(spec: ResnetGeneratorSpec, seed: int = 0) -> ResnetGenerator:
    """In eval mode, with running statistics and class tables such as training leaves."""
    torch.manual_seed(seed)
    network = ResnetGenerator(spec)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 or "table" in name or "kernel_s" in name:
                parameter.normal_(std=0.5)
        for module in network.modules():
            if isinstance(module, BatchStatistics):
                for name, buffer in module.named_buffers():
                    if "mean" in name:
                        buffer.normal_(std=0.3)
                    elif "var" in name:
                        buffer.uniform_(0.5, 2)
    return network.eval().requires_grad_(False)


def write_generator(
    path: Path, spec: ResnetGeneratorSpec, classes: Sequence[str] = (), seed: int = 0, *, multi: bool = False
) -> Path:
    """A weights file of such a generator, which names its classes where there are names, attributes if `multi`."""
    about = {"classes": json.dumps(list(classes))} if classes else {}
    about |= {"targets": "attributes"} if multi else {}
    networks.save(path, {"generator": (spec, tiny_generator(spec, seed))}, about=about, half=False)
    return path
