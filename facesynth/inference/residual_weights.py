"""What the header of a weights file tells of a generator that needs no label maps. No torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth import weights
from facesynth.core.errors import UsageError, WeightsDamaged, WeightsError
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec

_MASKED = ("spn", "cspn")


@dataclass(frozen=True, slots=True)
class ResidualWeights:
    """A weights file's generator, and the names of its classes by id: () where it has none, or tells none.

    `multi`: these are attributes, of which an image may have several at once.
    """

    path: Path
    spec: ResnetGeneratorSpec
    classes: tuple[str, ...]
    multi: bool = False

    def has_masks(self) -> bool:
        """Whether any of its blocks normalises by masks that it finds itself."""
        blocks = range(len(self.spec.widths) - 1)
        return any(self.spec.normalisation_of(block) in _MASKED for block in blocks)


def read_residual_weights(name_or_path: str | Path) -> ResidualWeights:
    """Read of weights, by name or file, what their generator is; none of its numbers are read.

    Raises UsageError for a generator that paints label maps, WeightsError for files of other kinds.
    """
    path = weights.locate(name_or_path)
    header = weights.read_header(path)
    spec = _spec(header, path)
    multi = bool(spec.classes) and header.get("targets") == "attributes"
    return ResidualWeights(path, spec, class_names(header, spec.classes, path), multi)


def class_names(header: Mapping[str, str], count: int, path: Path) -> tuple[str, ...]:
    """The names of so many classes in a file's metadata, () where there are none. Raises WeightsDamaged."""
    try:
        names = json.loads(header.get("classes", "[]"))
    except ValueError as error:
        raise WeightsDamaged(f"the names of its classes cannot be read ({error})", where=path) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WeightsDamaged("the names of its classes are no list of words", where=path)
    if names and count and len(names) != count:
        raise WeightsDamaged(f"it names {len(names)} classes, its generator has {count}", where=path)
    return tuple(names) if count else ()


def _spec(header: Mapping[str, str], path: Path) -> ResnetGeneratorSpec:
    try:
        specs: dict[str, dict[str, Any]] = json.loads(header["specs"])
        held = {name: dict(told) for name, told in specs.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        hint = "run: facesynth weights list"
        raise WeightsError("this is not a facesynth weights file", where=path, hint=hint) from error
    if "generator" not in held:
        hint = "name the weights of a generator, such as training with `kind: spn` makes"
        raise WeightsError(f"holds {', '.join(held) or 'nothing'}, but no generator", where=path, hint=hint)
    told = held["generator"]
    architecture = told.pop("architecture", None)
    if architecture is None:
        hint = f"run: facesynth synthesize LABELS -o DIR --generator {path}"
        raise UsageError("this generator paints label maps, and makes nothing of a seed alone", where=path, hint=hint)
    known = {field.name for field in dataclasses.fields(ResnetGeneratorSpec)}
    if architecture != "resnet" or not told.keys() <= known:
        hint = "it was made by a newer facesynth: install that one"
        raise WeightsError("its generator is of a kind that this facesynth does not know", where=path, hint=hint)
    try:
        return ResnetGeneratorSpec(**told)
    except (TypeError, ValueError) as error:
        raise WeightsDamaged(f"its generator cannot be what it says ({error})", where=path) from error
