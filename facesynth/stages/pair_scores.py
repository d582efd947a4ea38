"""The stage that tells how near one picture comes to another."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from facesynth.core.errors import CacheError, InputError, UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.extractors.choice import DESCRIPTOR, Extractor, choose_perceptual
from facesynth.inference.extractors.features import PairDistance
from facesynth.inference.landmarks.choice import detector_weights
from facesynth.stages.base import FileCodec
from facesynth.weights import sha256_of

if TYPE_CHECKING:
    from facesynth.inference.extractors.identity import IdentityDistance

MEASURES = ("ssim", "psnr")


@dataclass(frozen=True, slots=True)
class PairScores:
    """How near two pictures are; None stands for what was not asked for.

    `ssim` is at most 1; `psnr` is in dB, `math.inf` for equal pictures; `perceptual` holds a distance a name, from 0;
    `identity` is the Euclidean distance of the two face descriptors (dlib calls two photos one person's below 0.6), and
    where it could not be told `no_identity` says why.
    """

    ssim: float | None = None
    psnr: float | None = None
    perceptual: Mapping[str, float] = field(default_factory=dict)
    identity: float | None = None
    no_identity: str | None = None


def _encode_scores(value: PairScores) -> bytes:
    psnr = "inf" if value.psnr is not None and math.isinf(value.psnr) else value.psnr  # JSON has no infinity
    told = {
        "ssim": value.ssim,
        "psnr": psnr,
        "perceptual": dict(sorted(value.perceptual.items())),
        "identity": value.identity,
        "no_identity": value.no_identity,
    }
    return (json.dumps(told, indent=1, allow_nan=False) + "\n").encode()


def _decode_scores(data: bytes, where: str) -> PairScores:
    try:
        told: dict[str, Any] = json.loads(data)
        return PairScores(
            _number(told["ssim"]),
            _number(told["psnr"]),
            {str(name): float(value) for name, value in told["perceptual"].items()},
            _number(told["identity"]),
            told["no_identity"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CacheError(f"holds no scores of a pair ({error})", where=where) from error


def _number(told: object) -> float | None:
    return None if told is None else float(str(told))


@dataclass(slots=True)
class PairScoresStage:
    """(picture, reference) → PairScores; the items are `PairRef`s of photos.

    `measures` are of MEASURES, `perceptual` is what `choose_perceptual` takes, `identity` asks for the face descriptor.
    `resize` brings the reference to the picture's size first (Lanczos); without it two sizes are an InputError.
    Raises UsageError for what means nothing, or where nothing is asked for.
    """

    name: ClassVar[str] = "pair-scores"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[PairScores]] = FileCodec("scores.json", _encode_scores, _decode_scores)

    measures: tuple[str, ...] = MEASURES
    perceptual: tuple[str, ...] = ()
    identity: bool = False
    resize: bool = False
    device: str = "auto"
    batch_size: int | None = None
    extractors: tuple[Extractor, ...] = field(init=False)
    _distances: dict[str, PairDistance] = field(init=False, default_factory=dict, repr=False)
    _faces: IdentityDistance | None = field(init=False, default=None, repr=False)
    _digests: Mapping[str, Digest] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.measures) - set(MEASURES)):
            raise UsageError(f"unknown measure {unknown[0]!r}", hint=f"use {' or '.join(MEASURES)}")
        self.extractors = tuple(choose_perceptual(name) for name in self.perceptual)
        if len({extractor.name for extractor in self.extractors}) < len(self.extractors):
            raise UsageError(f"a perceptual distance is named twice: {', '.join(self.perceptual)}")
        if not (self.measures or self.perceptual or self.identity):
            raise UsageError("no measure is named", hint=f"name one of {', '.join(MEASURES)}")

    @property
    def config(self) -> Mapping[str, object]:
        return {
            "measures": sorted(self.measures),
            "perceptual": {extractor.name: extractor.network for extractor in self.extractors},
            "identity": self.identity,
            "resize": self.resize,
        }

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._digests is None:
            found = {
                f"{extractor.name} {role}": digest
                for extractor in self.extractors
                for role, digest in extractor.digests.items()
            }
            if self.identity:
                found |= {DESCRIPTOR: sha256_of(DESCRIPTOR), **detector_weights("dlib")}
            self._digests = found
        return self._digests

    def __call__(self, batch: Sequence[tuple[Photo, Photo]]) -> list[Outcome[PairScores]]:
        pairs = [self._fitted(*pair) for pair in batch]
        apart = {
            extractor.name: self._distance(extractor)(pairs, batch_size=self.batch_size)
            for extractor in self.extractors
        }
        return [
            self._scores(pair, {name: values[row] for name, values in apart.items()}) for row, pair in enumerate(pairs)
        ]

    def _fitted(self, picture: Photo, reference: Photo) -> tuple[Photo, Photo]:
        if picture.size == reference.size or self.resize:
            return picture, reference.resized(*picture.size)
        sizes = " and ".join(f"{photo.width}×{photo.height}" for photo in (picture, reference))
        raise InputError(f"the two pictures have different sizes ({sizes})", hint="give pictures of one size")

    def _scores(self, pair: tuple[Photo, Photo], perceptual: Mapping[str, float]) -> PairScores:
        from facesynth.metrics import paired

        picture, reference = pair
        identity, reason = self._identity(picture, reference)
        return PairScores(
            paired.ssim(picture.pixels, reference.pixels) if "ssim" in self.measures else None,
            paired.psnr(picture.pixels, reference.pixels) if "psnr" in self.measures else None,
            perceptual,
            identity,
            reason,
        )

    def _identity(self, picture: Photo, reference: Photo) -> tuple[float | None, str | None]:
        if not self.identity:
            return None, None
        if self._faces is None:
            from facesynth.inference.extractors.identity import IdentityDistance

            self._faces = IdentityDistance.load(sha256=self.weights[DESCRIPTOR])
        return self._faces(picture, reference)

    def _distance(self, extractor: Extractor) -> PairDistance:
        if (distance := self._distances.get(extractor.name)) is None:
            from facesynth.inference.extractors.loading import load_perceptual

            sha256 = self.weights[f"{extractor.name} {extractor.network}"]
            distance = self._distances[extractor.name] = load_perceptual(extractor, device=self.device, sha256=sha256)
        return distance
