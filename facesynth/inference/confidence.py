"""How sure a parser is of a face's label map, and how that is kept beside it. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from facesynth.core.errors import CacheError
from facesynth.core.labels import LabelMap

LOW = 0.9
"""A confidence below this is low: of held-out faces one in fifty or fewer (docs/parsers.md)."""
LOW_WARNING = "low confidence: the parser doubts its label map"
UNLIKE_WARNING = "unlike the faces that the parser was trained on"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Confidence:
    """Of one face: `pixels` is the mean over all pixels of the likeliest label's probability, 0..1.

    `parts` are the same means over the pixels of each label that is seen, by the label's name. `unlikeness` is how far
    the face is from those that the parser was trained on, above 1 farther than it should be; None where its weights
    do not tell.
    """

    pixels: float
    parts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    unlikeness: float | None = None

    @property
    def mean_part(self) -> float:
        """The mean over the parts, in which small ones count as much as large ones."""
        return sum(self.parts.values()) / len(self.parts) if self.parts else self.pixels

    @property
    def low(self) -> bool:
        """Whether the label map should be looked at before it is used."""
        return not self.pixels >= LOW  # nan is no confidence either

    @property
    def unlike(self) -> bool:
        """Whether the face is unlike those that the parser was trained on."""
        return self.unlikeness is not None and self.unlikeness > 1

    @property
    def warnings(self) -> list[str]:
        """What a user should know of this face, in words."""
        return [LOW_WARNING] * self.low + [UNLIKE_WARNING] * self.unlike

    def rounded(self) -> Confidence:
        """To the four decimals that are kept, so that a fresh face is judged as the same one from the cache."""
        unlikeness = None if self.unlikeness is None else round(self.unlikeness, _DIGITS)
        parts = {name: round(value, _DIGITS) for name, value in self.parts.items()}
        return Confidence(round(self.pixels, _DIGITS), MappingProxyType(parts), unlikeness)

    def to_document(self) -> dict[str, Any]:
        """As it is kept and reported, in four decimals: `pixels`, `mean_part`, `parts`, and `unlikeness` if known."""
        document: dict[str, Any] = {"pixels": round(self.pixels, _DIGITS), "mean_part": round(self.mean_part, _DIGITS)}
        document["parts"] = {name: round(value, _DIGITS) for name, value in self.parts.items()}
        if self.unlikeness is not None:
            document["unlikeness"] = round(self.unlikeness, _DIGITS)
        return document


def encode_confidence(confidence: Confidence) -> bytes:
    """A confidence as JSON."""
    return (json.dumps(confidence.to_document(), indent=1) + "\n").encode()


def decode_confidence(data: bytes, where: str) -> Confidence:
    """The confidence that `encode_confidence` wrote. Raises CacheError."""
    try:
        told = json.loads(data)
        confidence = Confidence(told["pixels"], MappingProxyType(told["parts"]), told.get("unlikeness"))
        numbers = [confidence.pixels, *confidence.parts.values(), confidence.unlikeness or 0.0]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("not finite")
        return confidence
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CacheError(f"tells no confidence ({error})", where=where) from error


@dataclass(frozen=True, slots=True, eq=False)
class ParsedLabels(LabelMap):
    """A label map that a parser made, and how sure it is of it: None for a parser that tells labels alone."""

    confidence: Confidence | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return ParsedLabels, (self.ids, self.confidence)
