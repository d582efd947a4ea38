"""The drawn worker with a generator that has a style for each region, as the bundled one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import Label
from facesynth.core.styles import RegionsSource, SeedSource, Style
from facesynth.serving.settings import Settings
from facesynth.serving.worker.tasks import Answer, Encode, Loaded, Paint, Task
from tests.serving.drawn_computing import ENCODER, SIZE, Drawn


class Regions(Drawn):
    """Reads a photo's colour for every label, and paints each label's pixels in the colour of its own style."""

    def loaded(self) -> Loaded:
        loaded = super().loaded()
        return replace(loaded, generator=replace(loaded.generator, style_regions=True))

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        return [self._answer(task) for task in tasks]

    def _answer(self, task: Task) -> Answer:
        if isinstance(task, Paint):
            ids = task.labels.resized(SIZE, SIZE).ids
            pixels = np.rint([_colour(task.style, label) for label in Label]).astype(np.uint8)[ids]
            pixels[..., 2] = ids
            return Photo(pixels)
        if isinstance(task, Encode):
            colour = decode_photo(task.face.data, task.face.where).pixels.mean(axis=(0, 1)).astype(np.float32)
            return Style.from_regions(dict.fromkeys(Label, colour), ENCODER)
        return super().__call__([task])[0]


def _colour(style: Style, label: Label) -> NDArray[np.float64]:
    """A seed is a grey."""
    colour = np.zeros(3)
    for weight, source in style.of_region(label):
        if isinstance(source, RegionsSource):
            colour += weight * source.vectors[label]
        elif isinstance(source, SeedSource):
            colour += weight * (source.seed % 256)
    return colour


def load(settings: Settings, device: str) -> Regions:
    """Make it."""
    return Regions(settings, device)
