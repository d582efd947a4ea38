"""The drawn worker, with a generator that says it has regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facesynth.core.images import Photo
from facesynth.core.labels import Label
from facesynth.core.styles import Style
from facesynth.serving.settings import Settings
from facesynth.serving.worker.tasks import Answer, Encode, Loaded, Paint, Task
from tests.serving.drawn_computing import ENCODER, SIZE, Drawn


class Regions(Drawn):
    """Reads the same vector off a face for every label, and paints grey: a test looks at what was asked for."""

    def loaded(self) -> Loaded:
        loaded = super().loaded()
        return replace(loaded, generator=replace(loaded.generator, style_regions=True))

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        return [self._answer(task) for task in tasks]

    def _answer(self, task: Task) -> Answer:
        if isinstance(task, Paint):
            return Photo(np.full((SIZE, SIZE, 3), 128, dtype=np.uint8))
        if isinstance(task, Encode):
            return Style.from_regions({label: np.full(3, label, dtype=np.float32) for label in Label}, ENCODER)
        return super().__call__([task])[0]


def load(settings: Settings, device: str) -> Regions:
    """Make it."""
    return Regions(settings, device)
