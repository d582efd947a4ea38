"""A worker that needs no network: tiles are faces, brightness is a label, style a colour; some seeds misbehave."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import numpy as np

from facesynth.core.errors import FacesynthError, StyleError
from facesynth.core.faces import Face, Landmarks, Similarity
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.styles import CodeSource, SeedSource, Style
from facesynth.serving.settings import Settings
from facesynth.serving.worker.errors import NoFaceError, NotSquareError
from facesynth.serving.worker.tasks import (
    Align,
    Aligned,
    Answer,
    Encode,
    Generator,
    Loaded,
    Paint,
    Parsed,
    Paste,
    PhotoFile,
    Segment,
    Task,
)

ENCODER = "e" * 64
SIZE = 32
DIES, RAISES, REFUSED, SLOW = 666, 777, 888, 1000
"""Seeds that end the process, raise an error that is none of ours, raise one of ours, and take a while (from there)."""
SECONDS = 0.6
SLOW_SIDE = 999
"""Of faces that take a while to be cut out of a photo."""
PAIRS = "paints two side by side"
"""A generator's name."""


class Drawn:
    """What the tests' workers do."""

    def __init__(self, settings: Settings, device: str) -> None:
        self.settings, self.device = settings, device
        self.painted = 0

    def loaded(self) -> Loaded:
        generator = Generator("drawn", ENCODER, SIZE, 3, False, True, True)
        return Loaded(
            "cpu",
            "float32",
            self.settings.batch_size or 1,
            generator,
            "drawn",
            "f" * 64,
            "eager",
            "drawn",
            {},
            side_by_side=2 if self.settings.generator == PAIRS else 1,
        )

    def warm_up(self) -> None:
        if self.settings.generator == "broken":
            raise FacesynthError("the drawn weights are broken", where="drawn", hint="draw them again")

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        seeds = [_seed(task) for task in tasks]
        if DIES in seeds:
            os._exit(13)
        if RAISES in seeds:
            raise ArithmeticError("two and two are five")
        if REFUSED in seeds:
            raise StyleError("nobody looks like this")
        if max(seeds) >= SLOW or any(isinstance(task, Align) and task.size == SLOW_SIDE for task in tasks):
            time.sleep(SECONDS)
        return [_answer(task) for task in tasks]


def load(settings: Settings, device: str) -> Drawn:
    """What `create_app` is given."""
    return Drawn(settings, device)


def _seed(task: Task) -> int:
    source = task.style.components[0][1] if isinstance(task, Paint) else None
    return source.seed if isinstance(source, SeedSource) else 0


def _read(file: PhotoFile) -> Photo:
    return decode_photo(file.data, file.where)


def _answer(task: Task) -> Answer:
    if isinstance(task, Align):
        photo = _read(task.photo)
        if not photo.pixels[0, 0].any():
            raise NoFaceError("no face was found", where=task.photo.where)
        side = photo.height
        faces = [
            Face(
                Photo(photo.pixels[:, left : left + side]).resized(task.size, task.size),
                Landmarks(np.linspace([left, 0], [left + side - 1, side - 1], 68)),
                Similarity.of(side / task.size, shift=(left, 0)),
                1.0,
            )
            for left in range(0, photo.width - side + 1, side)
        ]
        return Aligned(photo.size, tuple(faces if task.faces == "all" else faces[:1]))
    if isinstance(task, Segment):
        return Parsed(LabelMap(_square(_read(task.face)).pixels[..., 0] // 14), {"pixels": 1.0}, ("drawn",))
    if isinstance(task, Encode):
        return Style.from_code(_square(_read(task.face)).pixels.mean(axis=(0, 1)).astype(np.float32), ENCODER)
    if isinstance(task, Paint):
        return painted(task.labels, task.style)
    if isinstance(task, Paste):
        blank = Photo(np.zeros((task.size, task.size, 3), dtype=np.uint8))
        face = Face(blank, to_source=task.transform)
        return face.paste_back(_read(task.photo), _read(task.face), feather=task.feather, labels=task.labels)
    labels = task.content if isinstance(task.content, LabelMap) else LabelMap(np.zeros((8, 8), dtype=np.uint8))
    assert task.style is not None
    return painted(labels, Style.from_code(_read(task.style).pixels.mean(axis=(0, 1)).astype(np.float32), ENCODER))


def _square(photo: Photo) -> Photo:
    if photo.width != photo.height:
        raise NotSquareError("a face is square", where="face")
    return photo


def painted(labels: LabelMap, style: Style) -> Photo:
    """The style's colour (a seed's is grey), and the label in its blue channel's place."""
    colour = np.zeros(3)
    for weight, source in style.components:
        value = source.vector if isinstance(source, CodeSource) else np.full(3, getattr(source, "seed", 0) % 256)
        colour += weight * value
    pixels = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
    pixels[:] = np.rint(colour)
    pixels[..., 2] = labels.resized(SIZE, SIZE).ids
    return Photo(pixels)
