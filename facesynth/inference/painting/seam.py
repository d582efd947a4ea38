"""The seam between label patterns and what paints from them, and the check that an engine paints the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesynth.core.errors import WeightsError
from facesynth.models.folded_spade.generator import Rows
from facesynth.models.folded_spade.places import Places
from facesynth.models.generator import SpadeGenerator

Style: TypeAlias = Tensor | Sequence[Tensor]
"""Of one face: for all blocks, or one for each of them, which only eager PyTorch takes."""
Painting: TypeAlias = Callable[[Mapping[int, Places], Rows, Style, Sequence[Tensor] | None], Tensor]
"""What `FoldedGenerator.paint` is: places, rows, a style and noise of one face → 1×3×S×S in -1..1."""

PROGRAMS = MappingProxyType({"compile": "torch.compile", "onnx": "ONNX Runtime", "openvino": "OpenVINO"})
"""What people call the engines that are none of ours."""
PICTURES_DIFFER = 1e-3
"""In float32, of -1..1, at any pixel."""
MEANS_DIFFER = 0.05
"""In bf16, where single pixels may be off by far more: on average."""


@dataclass(frozen=True, slots=True)
class PaintEngine:
    """What paints, its name, and the kind of numbers that it takes rows in."""

    name: str
    rows: torch.dtype
    paint: Painting


@dataclass(frozen=True, slots=True)
class Example:
    """A label map with every label, a style and noise, all drawn, and what the generator's own layers make of them."""

    ids: NDArray[np.uint8]
    style: Tensor
    noise: list[Tensor]
    picture: Tensor


def example(generator: SpadeGenerator, seed: int = 0) -> Example:
    """Always the same of a generator and a seed."""
    spec, draw = generator.spec, torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, spec.labels, 8, 8, generator=draw)
    label_map = F.interpolate(coarse, (spec.size, spec.size), mode="bicubic", align_corners=False).argmax(1)
    shape = (1, spec.labels, spec.style_channels) if generator.regions is not None else (1, spec.style_channels)
    style = torch.randn(shape, generator=draw)
    noise = [torch.randn(1, 1, side, side, generator=draw) for side in generator.noise_sides]
    one_hot = F.one_hot(label_map, spec.labels).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        picture: Tensor = generator(one_hot, style, noise).float()
    return Example(label_map[0].to(torch.uint8).numpy(), style, noise, picture)


@dataclass(frozen=True, slots=True)
class PictureAgreement:
    """How two pictures in -1..1 differ: at one pixel at most, and on average."""

    largest: float
    mean: float

    @classmethod
    def of(cls, picture: Tensor, expected: Tensor) -> PictureAgreement:
        """Infinite where they are of different shapes; NaN where one holds what is no number."""
        if picture.shape != expected.shape:
            return cls(float("inf"), float("inf"))
        difference = (picture - expected).abs()
        return cls(difference.max().item(), difference.mean().item())

    def require(self, name: str, dtype: torch.dtype, where: str | None) -> PictureAgreement:
        """Itself. Raises WeightsError where an engine of this name does not paint what PyTorch does."""
        holds = self.largest <= PICTURES_DIFFER if dtype == torch.float32 else self.mean <= MEANS_DIFFER
        if holds:
            return self
        what = f"{name} paints something else than PyTorch: {self}"
        raise WeightsError(what, where=where, hint="use --engine eager, and report it with these weights' name")

    def __str__(self) -> str:
        return f"pictures in -1..1 differ by up to {self.largest:.2g}, on average by {self.mean:.2g}"
