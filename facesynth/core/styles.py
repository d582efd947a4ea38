"""What a face looks like apart from its labels: a value that is stored, mixed, and tied to its encoder."""

from __future__ import annotations

import binascii
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from facesynth.core.errors import StyleError
from facesynth.core.labels import Label
from facesynth.core.refs import short
from facesynth.core.style_sources import MAX_SEED as MAX_SEED
from facesynth.core.style_sources import CodeSource as CodeSource
from facesynth.core.style_sources import RegionsSource as RegionsSource
from facesynth.core.style_sources import SeedSource as SeedSource
from facesynth.core.style_sources import Source as Source
from facesynth.core.style_sources import code_bytes, label_named, source_from_json, source_order, source_to_json

_FORMAT = "facesynth-style-1"
_WITH_REGIONS = "facesynth-style-2"  # what a facesynth that knew no styles of regions must not misread
_Sum: TypeAlias = tuple[tuple[float, Source], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """What a face looks like, as a weighted sum of sources: (weight, source) pairs in a fixed order.

    Weights are positive and sum to 1, no source comes twice, and all codes are of one encoder and length. `regions`
    are the labels that have a sum of their own in place of the face's. Make a style with `from_seed`, `from_code`,
    `from_regions`, `mix` or `with_regions`. Raises StyleError.
    """

    components: _Sum
    regions: tuple[tuple[Label, _Sum], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", _checked(self.components))
        if len(dict(self.regions)) < len(self.regions):
            raise StyleError("a style has one sum of sources for a region")
        own = ((label, _checked(_of_label(_checked(parts), label))) for label, parts in self.regions)
        kept = tuple(sorted((label, parts) for label, parts in own if parts != _of_label(self.components, label)))
        object.__setattr__(self, "regions", kept)
        codes = [source for source in self._sources() if not isinstance(source, SeedSource)]
        if len({(type(source), source.encoder) for source in codes}) > 1 or len(_lengths(codes)) > 1:
            raise StyleError(
                "styles of different encoders cannot be mixed", hint="encode all the style faces with one generator"
            )
        if kept and any(isinstance(source, CodeSource) for source in codes):
            raise StyleError("the style of a whole face has no regions", hint="use a generator with styles per region")

    @classmethod
    def from_seed(cls, seed: int) -> Style:
        """The style that a generator draws from a seed, 0..MAX_SEED."""
        return cls(((1.0, SeedSource(seed)),))

    @classmethod
    def from_code(cls, vector: ArrayLike, encoder: str) -> Style:
        """The style of a face: the encoder's mean (N numbers, kept as float32) and the sha256 of its weights."""
        return cls(((1.0, CodeSource(code_bytes(vector), encoder)),))

    @classmethod
    def from_regions(cls, vectors: Mapping[Label, ArrayLike], encoder: str) -> Style:
        """The styles of a face's regions: the encoder's mean for each label that the face shows, as `from_code` has it.

        Without any it is the learned average of that encoder's generator.
        """
        codes = tuple((label, code_bytes(vector)) for label, vector in vectors.items())
        return cls(((1.0, RegionsSource(codes, encoder)),))

    @classmethod
    def mix(cls, a: Style, b: Style, t: float) -> Style:
        """(1 - t) · a + t · b, with t in 0..1, region by region; the ends are `a` and `b` themselves.

        A region that only one of them knows is mixed with the generator's learned average.
        """
        if not 0 <= t <= 1:
            raise StyleError(f"a mix lies between 0 and 1, not at {t}")
        if t in (0, 1):
            return b if t else a
        labels = {label for style in (a, b) for label, _ in style.regions}
        own = tuple((label, _mixed(a.of_region(label), b.of_region(label), t)) for label in sorted(labels))
        return cls(_mixed(a.components, b.components, t), own)

    def with_regions(self, labels: Iterable[Label], other: Style) -> Style:
        """The same with these regions in another style: the hair of one face and the skin of another.

        Labels that the other style knows nothing of stay as they are. StyleError where it knows none of them.
        """
        chosen = list(labels)
        if not (known := [label for label in chosen if other.knows(label)]):
            named = ", ".join(label.name.lower() for label in chosen)
            raise StyleError(f"the style knows nothing of {named}", hint="take it from a face that shows it")
        own = dict(self.regions) | {label: other.of_region(label) for label in known}
        return Style(self.components, tuple(own.items()))

    def middle(self) -> Style:
        """The style of nobody in particular, for the generator whose encoder read this one.

        That is the middle of the prior, all zeros, or of regions the learned average of each. StyleError where no face
        is in it.
        """
        for source in self._sources():
            if isinstance(source, CodeSource):
                return Style.from_code(np.zeros_like(source.vector), source.encoder)
            if isinstance(source, RegionsSource):
                return Style.from_regions({}, source.encoder)
        raise StyleError("the style of a seed has no encoder", hint="take one that was read off a face")

    def of_region(self, label: Label) -> _Sum:
        """The sum of sources that a region has: its own, or what the face's says of it."""
        return dict(self.regions).get(label) or _of_label(self.components, label)

    def knows(self, label: Label) -> bool:
        """Whether any of its sources tells how a region looks; else it is painted in the learned average."""
        sources = (source for _, source in self.of_region(label))
        return any(not isinstance(source, RegionsSource) or source.codes for source in sources)

    @property
    def kind(self) -> Literal["seed", "face", "mix", "regions"]:
        """`regions` where some have a style of their own."""
        if self.regions:
            return "regions"
        if len(self.components) > 1:
            return "mix"
        return "seed" if isinstance(self.components[0][1], SeedSource) else "face"

    @property
    def encoder(self) -> str | None:
        """The sha256 of the encoder's weights; None when only seeds are in it."""
        return next((source.encoder for source in self._sources() if not isinstance(source, SeedSource)), None)

    def require(self, encoder: str, length: int, *, regions: bool = False) -> None:
        """Raise StyleError unless a generator with this encoder (sha256) and length of style codes can use the style.

        `regions` tells whether the generator has a style for each region.
        """
        codes = [source for source in self._sources() if not isinstance(source, SeedSource)]
        for source in codes:
            if source.encoder != encoder or not source.lengths <= {length}:
                raise StyleError(
                    f"this style was read by encoder {short(source.encoder)}, the generator's is {short(encoder)}",
                    hint="encode the style face again with this generator",
                )
        if not regions and (self.regions or any(isinstance(source, RegionsSource) for source in codes)):
            raise StyleError(
                "this style has regions, the generator has one style for the whole face",
                hint="paint with a generator that has styles per region",
            )
        if regions and any(isinstance(source, CodeSource) for source in codes):
            raise StyleError(
                "this style is of a whole face, the generator has one for each region",
                hint="encode the style face again with this generator",
            )

    def to_json(self) -> str:
        """The style as one line of canonical JSON, codes as base64 of little-endian float32; `from_json` inverts it."""
        document: dict[str, Any] = {"format": _FORMAT, "components": _told(self.components)}
        if self.regions or any(isinstance(source, RegionsSource) for source in self._sources()):
            own = {label.name.lower(): _told(parts) for label, parts in self.regions}
            document |= {"format": _WITH_REGIONS, "regions": own}
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Style:
        """Read what `to_json` wrote, exactly. Raises StyleError when the text is anything else."""
        try:
            document = json.loads(text)
            if document["format"] not in (_FORMAT, _WITH_REGIONS):
                what = f"this style has the format {document['format']!r}, expected {_FORMAT!r} or {_WITH_REGIONS!r}"
                raise StyleError(what)
            own = document["regions"] if document["format"] == _WITH_REGIONS else {}
            regions = tuple((label_named(name), tuple(_components(parts))) for name, parts in own.items())
            return cls(tuple(_components(document["components"])), regions)
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            raise StyleError(
                "this is no style, or a damaged one", hint="take what Style.to_json or the studio wrote"
            ) from error

    def digest(self) -> str:
        """The sha256 of its JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def _sources(self) -> list[Source]:
        return [source for parts in (self.components, *dict(self.regions).values()) for _, source in parts]


def _checked(parts: _Sum) -> _Sum:
    """The sum in its fixed order. Raises StyleError where it is none."""
    weights = [weight for weight, _ in parts]
    if not all(0 < weight <= 1 for weight in weights) or not math.isclose(sum(weights), 1, abs_tol=1e-6):
        told = ", ".join(f"{weight:g}" for weight in weights) or "none"
        raise StyleError(f"the weights of a style are positive and sum to 1, these are {told}")
    if len({source for _, source in parts}) < len(parts):
        raise StyleError("a style names one source twice")
    return tuple(sorted(parts, key=lambda part: source_order(part[1])))


def _of_label(parts: _Sum, label: Label) -> _Sum:
    """What a sum says of one region; sources that say the same of it become one."""
    weights: dict[Source, float] = {}
    for weight, source in parts:
        said = source.of(label) if isinstance(source, RegionsSource) else source
        weights[said] = weights.get(said, 0.0) + weight
    return tuple((min(weight, 1.0), source) for source, weight in weights.items())


def _mixed(a: _Sum, b: _Sum, t: float) -> _Sum:
    weights: dict[Source, float] = {}
    for share, parts in ((1.0 - t, a), (float(t), b)):
        for weight, source in parts:
            weights[source] = weights.get(source, 0.0) + share * weight
    total = math.fsum(weights.values())  # 1 but for rounding; fsum does not depend on the order
    return tuple((weight / total, source) for source, weight in weights.items() if weight > 0)


def _lengths(sources: Iterable[CodeSource | RegionsSource]) -> set[int]:
    return {length for source in sources for length in source.lengths}


def _told(parts: _Sum) -> list[dict[str, Any]]:
    return [{"weight": weight, **source_to_json(source)} for weight, source in parts]


def _components(parts: Iterable[dict[str, Any]]) -> Iterable[tuple[float, Source]]:
    for part in parts:
        fields = dict(part)
        if "weight" not in fields:
            raise StyleError(f"a style component has the fields {sorted(part)}")
        yield float(fields.pop("weight")), source_from_json(fields)
