"""Faces whose colour is their label map, and a parser that reads it back: what it gets wrong was painted wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from facesynth.core.faces import Face
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map, encode_label_map, write_label_map
from facesynth.core.labels import LabelMap
from facesynth.stages.base import FileCodec
from tests.drawn_pairs import drawn_labels

_STEP = 13


def coded_face(labels: LabelMap) -> Photo:
    """The face that `CodedStage` parses into these labels."""
    return Photo((labels.ids[..., None] * np.uint8(_STEP)).repeat(3, axis=2))


def write_coded_pairs(folder: Path, count: int, *, size: int = 64) -> Path:
    """Fill `folder` with pairs that are parsed without a fault: names 000, 001…"""
    for seed in range(count):
        write_coded_pair(folder, f"{seed:03}", drawn_labels(seed, size))
    return folder


def write_coded_pair(folder: Path, name: str, truth: LabelMap, parsed: LabelMap | None = None) -> None:
    """One pair; `parsed` is what its face will be parsed into, where that is not the truth."""
    write_photo(coded_face(parsed or truth), folder / "images" / f"{name}.png")
    write_label_map(truth, folder / "labels" / f"{name}.png")


@dataclass(slots=True)
class CodedStage:
    """Face → the labels that its colour stands for."""

    name: ClassVar[str] = "segment"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[LabelMap]] = FileCodec("labels.png", encode_label_map, decode_label_map)
    precision: str = "float32"
    device: str = "cpu"
    engine: str = "eager"
    calls: list[int] = field(default_factory=list)
    interrupt_after: int | None = None

    @property
    def config(self) -> Mapping[str, object]:
        return {"precision": self.precision}

    @property
    def weights(self) -> Mapping[str, str]:
        return {"parser": "ab" * 32}

    def __call__(self, batch: Sequence[Face]) -> list[LabelMap]:
        if self.interrupt_after is not None and sum(self.calls) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.calls.append(len(batch))
        return [LabelMap(face.photo.pixels[..., 0] // _STEP) for face in batch]
