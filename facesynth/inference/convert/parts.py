"""What a converter is told, what it makes, and how it says what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor

from facesynth.core.labels import LabelSchema
from facesynth.inference import networks

State = Mapping[str, Tensor]
"""A checkpoint's tensors by name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a checkpoint's tensors do not tell: the order of its classes, and what one of SPADE leaves open.

    `size` is the side of its pictures in pixels, `dontcare` whether its last label channel was of no class, and
    `options` what the options file of its training says.
    """

    schema: LabelSchema
    size: int | None = None
    dontcare: bool = False
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Part:
    """A network: its spec, its parameters by our module's names, and how the checkpoint calls those it renames."""

    spec: networks.Spec
    tensors: Mapping[str, Tensor]
    published: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a checkpoint: parts by role, and what whoever converts should know."""

    parts: Mapping[str, Part]
    notes: tuple[str, ...] = ()


class UnfitError(ValueError):
    """The checkpoint of one role cannot be converted."""

    def __init__(self, role: str, what: str) -> None:
        super().__init__(what)
        self.role = role


Converter = Callable[[Mapping[str, State], Told], Made]
"""Makes parts of tensors by role; what is wrong with their number or shape may stay for others to find."""
