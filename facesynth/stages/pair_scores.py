"""The stages that tell how near one picture comes to another: one a measure, so that each has keys of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from facesynth.core.errors import CacheError, UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.extractors.choice import Extractor, choose_perceptual, library_version
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.extractors.features import PairDistance

Likeness = Literal["ssim", "psnr"]
MEASURES: tuple[Likeness, ...] = get_args(Likeness)
LIBRARY: Mapping[Likeness, str] = MappingProxyType({"ssim": "scipy", "psnr": "torchmetrics"})
"""The package that computes each."""


def _encode_score(value: float) -> bytes:
    return (json.dumps("inf" if math.isinf(value) else value, allow_nan=False) + "\n").encode()  # JSON has no infinity


def _decode_score(data: bytes, where: str) -> float:
    try:
        told = json.loads(data)
        if not (told == "inf" or isinstance(told, float)):
            raise ValueError(f"{told!r} is no number")
        return float(told)
    except ValueError as error:
        raise CacheError(f"holds no score of a pair ({error})", where=where) from error


_CODEC = FileCodec("score.json", _encode_score, _decode_score)


@dataclass(slots=True)
class LikenessStage:
    """(picture, reference) → one of MEASURES, pixel by pixel; the items are `PairRef`s of photos of one size.

    SSIM is at most 1; PSNR is in dB, `math.inf` for equal pictures. Raises UsageError for another measure.
    """

    name: ClassVar[str] = "pair-likeness"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[float]] = _CODEC

    measure: Likeness

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise UsageError(f"unknown measure {self.measure!r}", hint=f"use {' or '.join(MEASURES)}")

    @property
    def config(self) -> Mapping[str, object]:
        """Raises DependencyMissing."""
        package = LIBRARY[self.measure]
        return {"measure": self.measure, "library": {package: library_version(package)}}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    def __call__(self, batch: Sequence[tuple[Photo, Photo]]) -> list[Outcome[float]]:
        from facesynth.metrics import paired

        measured = {"ssim": paired.ssim, "psnr": paired.psnr}[self.measure]
        return [measured(picture.pixels, reference.pixels) for picture, reference in batch]


@dataclass(slots=True)
class PerceptualStage:
    """(picture, reference) → how different they look, from 0; the items are `PairRef`s of photos of one size.

    `perceptual` is what `choose_perceptual` takes. Raises UsageError for a name that means nothing.
    """

    name: ClassVar[str] = "pair-distance"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[float]] = _CODEC

    perceptual: str
    device: str = "auto"
    batch_size: int | None = None
    extractor: Extractor = field(init=False)
    _distance: PairDistance | None = field(init=False, default=None, repr=False)
    _digests: Mapping[str, Digest] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.extractor = choose_perceptual(self.perceptual)

    @property
    def config(self) -> Mapping[str, object]:
        """Raises DependencyMissing."""
        return {"network": self.extractor.network, "library": dict(self.extractor.library)}

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._digests is None:
            self._digests = self.extractor.digests
        return self._digests

    def __call__(self, batch: Sequence[tuple[Photo, Photo]]) -> list[Outcome[float]]:
        if self._distance is None:
            from facesynth.inference.extractors.loading import load_perceptual

            sha256 = self.weights[self.extractor.network]
            self._distance = load_perceptual(self.extractor, device=self.device, sha256=sha256)
        return list(self._distance(batch, batch_size=self.batch_size))
