"""Small seeded networks in the shapes of other people's parsers, exported to ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.core.labels import SCHEMAS
from facesynth.inference import networks
from facesynth.models.specs import ParserSpec


class TinyNet(nn.Module):
    """N×3×H×W → logits N×classes×H/4×W/4 that depend on place and colour, in the order of a schema."""

    def __init__(self, schema: str = "celebamask-hq", classes: int = 19) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(3, 8, 5, stride=4, padding=2)
        self.head = nn.Conv2d(8, classes, 1)
        if classes == 19:
            order = torch.from_numpy(SCHEMAS[schema].to_standard.astype("int64"))
            self.head.weight.data = self.head.weight.data[order]
            self.head.bias.data = self.head.bias.data[order]  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(F.relu(self.body(x)))
        return logits


class Enlarged(TinyNet):
    """The same with logits at the input's size."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(super().forward(x), x.shape[-2:], mode="bilinear", align_corners=False)


class Like(nn.Module):
    """A TinyNet whose outputs take another project's form."""

    def __init__(self, form: str, schema: str) -> None:
        super().__init__()
        self.net, self.form = Enlarged(schema) if form == "bisenet" else TinyNet(schema), form

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        logits: Tensor = self.net(x.permute(0, 3, 1, 2) if self.form == "channels-last input" else x)
        if self.form == "bisenet":  # three heads at the input's size, the first of which counts
            return logits, -logits, logits * 2
        if self.form == "features first":
            return self.net.body(x), logits
        if self.form == "softmax":
            return (10 * logits).softmax(1)
        if self.form == "softmax, channels last":
            return (10 * logits).softmax(1).permute(0, 2, 3, 1)
        if self.form == "channels-last output":
            return logits.permute(0, 2, 3, 1)
        if self.form == "ids":
            return logits.argmax(1)
        return logits  # segformer: a quarter of the input's size


class EvenSided(TinyNet):
    """The same, of which the sides of what it computes have to be even."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return logits + F.interpolate(F.max_pool2d(logits, 2), scale_factor=2.0)


def export(path: Path, network: nn.Module, shape: tuple[int, ...], *, dynamic: tuple[int, ...] = ()) -> Path:
    """Write a network as ONNX with the `dynamic` axes of its input open."""
    outputs = network(torch.zeros(shape))
    names = [f"out{index}" for index in range(len(outputs) if isinstance(outputs, tuple) else 1)]
    axes = {name: {axis: f"axis{axis}" for axis in dynamic} for name in ("input", *names)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), (torch.zeros(shape),), path, dynamo=False, opset_version=17,
            input_names=["input"], output_names=names, dynamic_axes=axes if dynamic else None,
        )  # fmt: skip
    return path


def own_parser(path: Path, *, seed: int = 0, size: int = 64) -> Path:
    """A facesynth parser with random weights, whose classes take turns over a picture."""
    torch.manual_seed(seed)
    spec = ParserSpec(size=size, pyramid_channels=8, detail_channels=8)
    networks.save(path, {"parser": (spec, networks.build(spec))}, licence="CC0-1.0")
    return path


def drawn_face(seed: int = 0, side: int = 96) -> Photo:
    """A smooth, coloured picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Photo(coarse).resized(side, side)
