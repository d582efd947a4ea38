"""The stage that describes whose face a picture shows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import CacheError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome, Rejected
from facesynth.inference.extractors.choice import DESCRIPTOR
from facesynth.inference.landmarks.choice import detector_weights
from facesynth.stages.base import FileCodec
from facesynth.weights import sha256_of

if TYPE_CHECKING:
    from facesynth.inference.extractors.identity import FaceDescriptor

NO_FACE = "no face found"


def _encode_descriptor(value: NDArray[np.float64]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(value, dtype="<f8"), allow_pickle=False)
    return stream.getvalue()


def _decode_descriptor(data: bytes, where: str) -> NDArray[np.float64]:
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
        if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype != np.dtype("<f8"):
            raise ValueError("another kind of array")
    except (ValueError, OSError, EOFError) as error:
        raise CacheError(f"holds no face descriptor ({error})", where=where) from error
    return found


@dataclass(slots=True)
class FaceDescriptorStage:
    """Photo → the 128 float64 numbers of its largest face; `Rejected` where none is found.

    The Euclidean distance of two descriptors tells whose faces they are: dlib calls two photos one person's below 0.6.
    """

    name: ClassVar[str] = "face-descriptor"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[NDArray[np.float64]]] = FileCodec("face.npy", _encode_descriptor, _decode_descriptor)

    _loaded: FaceDescriptor | None = field(init=False, default=None, repr=False)
    _digests: Mapping[str, Digest] | None = field(init=False, default=None, repr=False, compare=False)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._digests is None:
            self._digests = {DESCRIPTOR: sha256_of(DESCRIPTOR), **detector_weights("dlib")}
        return self._digests

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[NDArray[np.float64]]]:
        if self._loaded is None:
            from facesynth.inference.extractors.identity import FaceDescriptor

            self._loaded = FaceDescriptor.load(sha256=self.weights[DESCRIPTOR])
        described = [self._loaded(picture) for picture in batch]
        return [Rejected(NO_FACE) if numbers is None else numbers for numbers in described]
