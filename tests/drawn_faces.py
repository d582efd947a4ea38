"""Drawn faces: 68 landmarks of a plain face anywhere, and photos whose pixels are known everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.images import Photo


def _arc(centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float, count: int) -> Any:
    angles = np.radians(np.linspace(start, stop, count))
    return np.array(centre) + np.stack([np.cos(angles) * radii[0], np.sin(angles) * radii[1]], axis=1)


def plain_landmarks(to_photo: Similarity | None = None) -> Landmarks:
    """A frontal face about two units wide around (0, 0), y downward, moved into a photo."""
    points = np.concatenate(
        [
            _arc((0, 0), (1.0, 1.3), 180, 0, 17),  # jaw
            _arc((-0.45, -0.35), (0.3, 0.12), 180, 360, 5),  # brows
            _arc((0.45, -0.35), (0.3, 0.12), 180, 360, 5),
            np.stack([np.zeros(4), np.linspace(-0.2, 0.25, 4)], axis=1),  # nose
            _arc((0, 0.3), (0.2, 0.06), 180, 0, 5),
            _arc((-0.42, -0.15), (0.17, 0.07), 180, 480, 6),  # eyes
            _arc((0.42, -0.15), (0.17, 0.07), 180, 480, 6),
            _arc((0, 0.68), (0.35, 0.14), 180, 510, 12),  # mouth
            _arc((0, 0.68), (0.25, 0.05), 180, 495, 8),
        ]
    )
    landmarks = Landmarks(points)
    return landmarks if to_photo is None else landmarks.moved(to_photo)


def ramp_photo(width: int, height: int) -> Photo:
    """A photo that tells where each pixel was: red rises with x, green with y, from 20 to 235; blue is 128."""
    red = np.linspace(20, 235, width)[None, :].repeat(height, axis=0)
    green = np.linspace(20, 235, height)[:, None].repeat(width, axis=1)
    return Photo(np.rint(np.stack([red, green, np.full_like(red, 128)], axis=2)).astype(np.uint8))


def textured_photo(width: int, height: int, seed: int = 0) -> Photo:
    """A photo of smooth coloured blobs under fine noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves: NDArray[np.float64] = np.zeros((height, width, 3))
    for channel in range(3):
        for _ in range(4):
            fx, fy, phase = random.uniform(-0.08, 0.08), random.uniform(-0.08, 0.08), random.uniform(0, 6)
            waves[..., channel] += 25 * np.sin(fx * x + fy * y + phase)
    return Photo(np.clip(128 + waves + random.normal(0, 6, waves.shape), 0, 255).astype(np.uint8))
