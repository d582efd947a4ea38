"""What sets of features come to, kept: scores of two sets and moments of one, under the sha256 of the features."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, TypeAlias

import numpy as np

from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest
from facesynth.evaluation.pictures.feature_sets import FeatureSet, moments_of
from facesynth.evaluation.pictures.measures import Number
from facesynth.evaluation.pictures.records import NotARecordError, from_plain, to_plain
from facesynth.evaluation.pictures.set_scores import NEIGHBOURS, SAMPLE, SEED, SPLITS, SUBSETS, compare_by
from facesynth.metrics.moments import Moments
from facesynth.stages.base import FileCodec

Numbers: TypeAlias = Mapping[str, Number]
"""By kind, as `compare_by` gives them."""

_HOW: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "kid": {"subsets": SUBSETS, "seed": SEED},
        "is": {"splits": SPLITS, "seed": SEED},
        "pr": {"neighbours": NEIGHBOURS, "sample": SAMPLE, "seed": SEED},
    }
)


def _encode_numbers(value: Numbers) -> bytes:
    return json.dumps(to_plain(value), indent=1, ensure_ascii=False).encode()


def _decode_numbers(data: bytes, where: str) -> Numbers:
    try:
        return {kind: from_plain(Number, one) for kind, one in json.loads(data).items()}
    except (ValueError, AttributeError, NotARecordError) as error:
        raise CacheError(f"holds no scores of sets ({error})", where=where) from error


def _encode_moments(value: Moments) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, count=np.array(value.count), mean=value.mean, scatter=value.scatter)
    return stream.getvalue()


def _decode_moments(data: bytes, where: str) -> Moments:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Moments.restored(int(arrays["count"]), arrays["mean"], arrays["scatter"])
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CacheError(f"holds no moments ({error})", where=where) from error


@dataclass(frozen=True, slots=True)
class SetScoresStage:
    """(real set, generated set) → the numbers by kind that `compare_by` gives for one metric."""

    name: ClassVar[str] = "set-scores"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Numbers]] = FileCodec("scores.json", _encode_numbers, _decode_numbers)

    metric: str

    @property
    def config(self) -> Mapping[str, object]:
        return {"metric": self.metric, **_HOW.get(self.metric, {})}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    def __call__(self, batch: Sequence[tuple[FeatureSet, FeatureSet]]) -> list[Numbers]:
        return [compare_by(self.metric, real, generated) for real, generated in batch]


@dataclass(frozen=True, slots=True)
class SetMomentsStage:
    """A set → the moments of its features."""

    name: ClassVar[str] = "set-moments"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Moments]] = FileCodec("moments.npz", _encode_moments, _decode_moments)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    def __call__(self, batch: Sequence[FeatureSet]) -> list[Moments]:
        return [moments_of(pictures) for pictures in batch]
