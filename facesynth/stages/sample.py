"""The stage that makes a picture of a seed, and of a class where the generator has any."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from facesynth import weights
from facesynth.core.image_files import SYNTHETIC_TEXT, decode_photo, encode_png, load_image
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.conditions import Told
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.sampler import Sampler

_MADE_OF = ("Class", "Precision", "Seed", "Weights")

Wanted = tuple[int, Told]
"""A seed, and its settled condition: what its class is, drawn or chosen."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture, and what it takes to make it again, in words as its PNG text has them."""

    picture: Photo
    made_of: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def _encode(sample: Sample) -> bytes:
    return encode_png(sample.picture, text={**SYNTHETIC_TEXT, **sample.made_of})


def _decode(data: bytes, where: str) -> Sample:
    told = load_image(data, where).info
    words: dict[str, str] = {key: str(told[key]) for key in _MADE_OF if key in told}
    return Sample(decode_photo(data, where), MappingProxyType(words))


@dataclass(slots=True)
class SampleStage:
    """(seed, settled condition) → picture, marked synthetic in its metadata, with all that it is made of.

    `generator` is a weights name or file, `size` the side of its pictures, told for what a run is estimated to take.
    """

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Sample]] = FileCodec("picture.png", _encode, _decode)

    generator: str
    size: int
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    _sampler: Sampler | None = field(init=False, default=None, repr=False)
    _sha256: Digest | None = field(init=False, default=None, repr=False, compare=False)

    @property
    def config(self) -> Mapping[str, object]:
        return {"precision": self.precision, "size": self.size}

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._sha256 is None:
            self._sha256 = weights.sha256_of(self.generator)
        return {"generator": self._sha256}

    def __call__(self, batch: Sequence[Wanted]) -> list[Outcome[Sample]]:
        if self._sampler is None:
            from facesynth.inference.sampler import Sampler

            self._sampler = Sampler.load(
                self.generator, device=self.device, precision=self.precision, sha256=self.weights["generator"]
            )
        seeds, conditions = [seed for seed, _ in batch], [condition for _, condition in batch]
        pictures = self._sampler(seeds, conditions, batch_size=self.batch_size)
        return [
            Sample(picture, MappingProxyType(self._made_of(*wanted)))
            for picture, wanted in zip(pictures, batch, strict=True)
        ]

    def _made_of(self, seed: int, condition: Told) -> dict[str, str]:
        assert self._sampler is not None
        words = {"Seed": str(seed), "Weights": self._sampler.sha256, "Precision": self.precision}
        if condition is not None:
            words["Class"] = told_condition(condition, self._sampler.classes)
        return words


def told_condition(condition: Told, classes: Sequence[str]) -> str:
    """A condition in words: `3 (cat)`, or of weights those that are not 0, as JSON by name."""
    if isinstance(condition, tuple):
        given = {classes[index] if classes else str(index): value for index, value in enumerate(condition) if value}
        return json.dumps(given, ensure_ascii=False)
    return f"{condition} ({classes[condition]})" if classes and condition is not None else str(condition)
