"""Stages that need no network: square tiles of a wide photo are its faces, brightness is a label, style a colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from facesynth.core.errors import ImageError
from facesynth.core.faces import Face, Similarity
from facesynth.core.image_files import decode_photo, encode_png
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map, encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Outcome, Rejected
from facesynth.core.styles import CodeSource, SeedSource, Source, Style
from facesynth.jobs.transfer import TransferStages
from facesynth.stages.align import FacesCodec
from facesynth.stages.base import FileCodec
from facesynth.stages.encode import EncodeStage

ENCODER = "e" * 64


@dataclass(slots=True)
class _Stage:
    """What the four have in common: a count of the items computed, and a hook that is called before each batch."""

    version: ClassVar[int] = 1
    computed: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {"fake": "f" * 64}

    def _count(self, batch: Sequence[object]) -> None:
        self.before()
        self.computed += len(batch)


class Tiles(_Stage):
    """A face for each square that fits side by side into the photo; none in a photo whose first pixel is black."""

    name: ClassVar[str] = "align"
    codec: ClassVar[FacesCodec] = FacesCodec()

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[tuple[Face, ...]]]:
        self._count(batch)
        return [Rejected("no face found") if not photo.pixels[0, 0].any() else _tiles(photo) for photo in batch]


def _tiles(photo: Photo) -> tuple[Face, ...]:
    side = photo.height
    return tuple(
        Face(Photo(photo.pixels[:, left : left + side]), to_source=Similarity.of(shift=(left, 0)))
        for left in range(0, photo.width - side + 1, side)
    )


class Brightness(_Stage):
    """The label is the red channel's value over 14. A face whose last pixel is pure green cannot be parsed."""

    name: ClassVar[str] = "segment"
    codec: ClassVar[FileCodec[LabelMap]] = FileCodec("labels.png", encode_label_map, decode_label_map)

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        self._count(batch)
        if any(tuple(face.photo.pixels[-1, -1]) == (0, 255, 0) for face in batch):
            raise ImageError("too green")
        return [LabelMap(face.photo.pixels[..., 0] // 14) for face in batch]


class MeanColour(_Stage):
    """The style is the mean colour."""

    name: ClassVar[str] = "encode"
    codec: ClassVar[FileCodec[Style]] = EncodeStage.codec

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[Style]]:
        self._count(batch)
        return [Style.from_code(face.photo.pixels.mean(axis=(0, 1)).astype(np.float32), ENCODER) for face in batch]


class Colouring(_Stage):
    """The picture has the style's colour (a seed's is grey), and the label in its blue channel's place."""

    name: ClassVar[str] = "synthesize"
    codec: ClassVar[FileCodec[Photo]] = FileCodec("picture.png", encode_png, decode_photo)

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Outcome[Photo]]:
        self._count(batch)
        return [_coloured(labels, style) for labels, style in batch]


def _seed(source: Source) -> int:
    assert isinstance(source, SeedSource)
    return source.seed


def _coloured(labels: LabelMap, style: Style) -> Photo:
    colour = np.zeros(3)
    for weight, source in style.components:
        colour += weight * (source.vector if isinstance(source, CodeSource) else np.full(3, _seed(source)))
    pixels = np.broadcast_to(np.rint(colour).astype(np.uint8), (labels.height, labels.width, 3)).copy()
    pixels[..., 2] = labels.ids
    return Photo(pixels)


def painted_stages() -> TransferStages:
    """Fresh ones."""
    return TransferStages(align=Tiles(), segment=Brightness(), encode=MeanColour(), synthesize=Colouring())


def flat_photo(*colours: tuple[int, int, int], side: int = 20) -> Photo:
    """A photo of flat squares side by side."""
    return Photo(np.hstack([np.full((side, side, 3), colour, dtype=np.uint8) for colour in colours]))
