"""The stage that reads a picture for its size alone: what it has read once needs not be decoded to know that it can."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

from facesynth.core.errors import CacheError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.stages.base import FileCodec

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


def _encode(value: Size) -> bytes:
    return json.dumps({"width": value[0], "height": value[1]}).encode()


def _decode(data: bytes, where: str) -> Size:
    try:
        found = json.loads(data)
        return int(found["width"]), int(found["height"])
    except (ValueError, KeyError, TypeError) as error:
        raise CacheError(f"holds no size ({error})", where=where) from error


class PictureSizeStage:
    """Photo → (width, height). It has a result exactly where the whole picture could be decoded."""

    name: ClassVar[str] = "picture-size"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Size]] = FileCodec("size.json", _encode, _decode)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    def __call__(self, batch: Sequence[Photo]) -> list[Size]:
        return [photo.size for photo in batch]
