"""Drawn training pairs: plain faces made of ellipses, with the label map that they were drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import NUM_LABELS, Label, LabelMap

# (label, centre x, centre y, radius x, radius y) in shares of the side, painted in this order.
_PARTS = (
    (Label.CLOTH, 0.5, 1.0, 0.45, 0.2),
    (Label.NECK, 0.5, 0.82, 0.12, 0.15),
    (Label.HAIR, 0.5, 0.42, 0.33, 0.37),
    (Label.SKIN, 0.5, 0.5, 0.25, 0.33),
    (Label.R_EYE, 0.4, 0.45, 0.05, 0.03),
    (Label.L_EYE, 0.6, 0.45, 0.05, 0.03),
    (Label.R_BROW, 0.4, 0.38, 0.07, 0.015),
    (Label.L_BROW, 0.6, 0.38, 0.07, 0.015),
    (Label.NOSE, 0.5, 0.55, 0.04, 0.07),
    (Label.U_LIP, 0.5, 0.69, 0.09, 0.03),
    (Label.L_LIP, 0.5, 0.72, 0.08, 0.025),
)


def drawn_labels(seed: int, size: int = 64) -> LabelMap:
    """A face's label map; the seed moves and stretches its parts a little."""
    random = np.random.default_rng(seed)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    ids = np.zeros((size, size), dtype=np.uint8)
    dx, dy = random.uniform(-0.04, 0.04, 2)
    for label, cx, cy, rx, ry in _PARTS:
        stretch = random.uniform(0.9, 1.1)
        ids[((x - cx - dx) / (rx * stretch)) ** 2 + ((y - cy - dy) / ry) ** 2 < 1] = label
    return LabelMap(ids)


def drawn_face(labels: LabelMap, seed: int) -> Photo:
    """The face of a label map: one colour a label, tinted and shaded by the seed."""
    random = np.random.default_rng([seed, 1])
    base = np.random.default_rng(99).uniform(40, 215, (NUM_LABELS, 3))
    colours = base + random.uniform(-25, 25, 3)
    shade = np.linspace(0.9, 1.1, labels.width)[None, :, None]
    pixels = colours[labels.ids] * shade + random.normal(0, 3, (labels.height, labels.width, 3))
    return Photo(np.clip(pixels, 0, 255).astype(np.uint8))


def write_pairs(folder: Path, count: int, size: int = 64) -> Path:
    """Fill `folder` with images/ and labels/ of `count` drawn faces."""
    for seed in range(count):
        labels = drawn_labels(seed, size)
        write_photo(drawn_face(labels, seed), folder / "images" / f"{seed:03}.png")
        write_label_map(labels, folder / "labels" / f"{seed:03}.png")
    return folder
