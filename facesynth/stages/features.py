"""The stage that describes a picture by numbers, for the scores that compare sets of pictures."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from facesynth.core.errors import CacheError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.extractors.choice import Extractor, choose_features
from facesynth.inference.extractors.features import FeatureExtractor, PictureFeatures
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES_FILE = "features.npz"


def _encode_features(value: PictureFeatures) -> bytes:
    """An .npz, not compressed: such numbers do not get smaller."""
    arrays = {"features": value.features} | ({} if value.logits is None else {"logits": value.logits})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:  # which dates it 1980: the same bytes each time
                np.lib.format.write_array(file, array, allow_pickle=False)
    return stream.getvalue()


def _decode_features(data: bytes, where: str) -> PictureFeatures:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            features: NDArray[np.float32] = arrays["features"]
            logits: NDArray[np.float32] | None = arrays["logits"] if "logits" in arrays.files else None
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CacheError(f"holds no features ({error})", where=where) from error
    return PictureFeatures(features, logits)


@dataclass(slots=True)
class FeaturesStage:
    """Photo → PictureFeatures. `features` is what `choose_features` takes.

    `size` is the (width, height) in pixels that pictures are resized to first (Lanczos); None leaves them as they are.
    Raises UsageError for a name that means nothing.
    """

    name: ClassVar[str] = "features"
    version: ClassVar[int] = 2  # 1: convolutions of a GPU were in TF32
    codec: ClassVar[FileCodec[PictureFeatures]] = FileCodec(FEATURES_FILE, _encode_features, _decode_features)

    features: str = "inception"
    size: tuple[int, int] | None = None
    device: str = "auto"
    batch_size: int | None = None
    extractor: Extractor = field(init=False)
    _loaded: FeatureExtractor | None = field(init=False, default=None, repr=False)
    _digests: Mapping[str, Digest] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.extractor = choose_features(self.features)

    @property
    def config(self) -> Mapping[str, object]:
        return {
            "network": self.extractor.network,
            "library": dict(self.extractor.library),
            "size": None if self.size is None else list(self.size),
        }

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._digests is None:
            self._digests = self.extractor.digests
        return self._digests

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[PictureFeatures]]:
        if self._loaded is None:
            from facesynth.inference.extractors.loading import load_features

            self._loaded = load_features(
                self.extractor, device=self.device, sha256=self.weights[self.extractor.network]
            )
        pictures = batch if self.size is None else [photo.resized(*self.size) for photo in batch]
        return list(self._loaded(pictures, batch_size=self.batch_size))
