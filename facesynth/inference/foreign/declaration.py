"""How a parser wants its pictures: what its user declares, and what its file says itself. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from facesynth.core.errors import UsageError
from facesynth.models import imagenet

Normalisation = tuple[float, tuple[float, float, float], tuple[float, float, float]]

NORMALISATIONS: Mapping[str, Normalisation] = MappingProxyType(
    {
        "imagenet": (255.0, imagenet.MEAN, imagenet.STD),
        "0..1": (255.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        "-1..1": (255.0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        "0..255": (1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    }
)
"""By name: what a level of 0..255 is divided by; then the mean to take out and the deviation to divide by, r, g, b."""

ORDERS = ("rgb", "bgr")
LARGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDeclaration:
    """What is declared of a foreign parser's input; None is left to its file, and then to the defaults.

    `size` is the side in pixels of its square input. Raises UsageError for what is not known.
    """

    size: int | None = None
    normalisation: str | None = None
    order: str | None = None

    def __post_init__(self) -> None:
        if self.size is not None and not 16 <= self.size <= LARGEST:
            raise UsageError(f"size={self.size} is not in 16..{LARGEST}", where="--parser-input")
        for key, value, known in (
            ("normalisation", self.normalisation, tuple(NORMALISATIONS)),
            ("order", self.order, ORDERS),
        ):
            if value is not None and value not in known:
                hint = f"use one of: {', '.join(known)}"
                raise UsageError(f"{key}={value} is not known", where="--parser-input", hint=hint)

    @classmethod
    def parse(cls, declarations: Iterable[str]) -> InputDeclaration:
        """Read `KEY=VALUE`, each key once. Raises UsageError that lists the keys."""
        known, found = [field.name for field in fields(cls)], {}
        for declaration in declarations:
            key, equals, value = (part.strip() for part in declaration.partition("="))
            if not equals or key not in known or key in found:
                what = f"{declaration!r} " + ("comes twice" if key in found else "declares nothing that is known")
                hint = "use size=512, normalisation=imagenet|0..1|-1..1|0..255 and order=rgb|bgr, each once"
                raise UsageError(what, where="--parser-input", hint=hint)
            if key == "size" and not value.isdecimal():
                raise UsageError(f"size={value} is no number of pixels", where="--parser-input")
            found[key] = value
        size = found.pop("size", None)
        return cls(size=None if size is None else int(size), **found)

    @property
    def declared(self) -> dict[str, object]:
        """What is not None, for cache keys and reports."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in told.items() if value is not None}

    def over(self, other: InputDeclaration) -> InputDeclaration:
        """These declarations, and the other's where there is none here."""
        return InputDeclaration(
            size=other.size if self.size is None else self.size,
            normalisation=self.normalisation or other.normalisation,
            order=self.order or other.order,
        )


UNDECLARED = InputDeclaration()
DEFAULTS = InputDeclaration(size=512, normalisation="imagenet", order="rgb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What becomes of a face on its way into a parser: resized, its channels in `order`, normalised."""

    height: int
    width: int
    normalisation: str = "imagenet"
    order: str = "rgb"
