"""What painters send while they are measured: plain faces of ellipses, one stroke of the brush after the other."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.labels import PALETTE

SIDE = 512
"""Of the page's label map."""
_STROKES = 10
"""Until a painter begins again."""


def strokes(painter: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Label maps of one painter: each has one stroke of the brush more than the one before, ten times, then anew."""
    random = np.random.default_rng([painter, seed])
    face = drawn_face(np.random.default_rng(painter))
    present = np.unique(face)
    y, x = np.mgrid[:SIDE, :SIDE]
    while True:
        ids = face.copy()
        for _ in range(_STROKES):
            at, step = random.uniform(0.15, 0.85, 2) * SIDE, random.normal(0, 3, 2)
            label, radius = random.choice(present), random.integers(4, 13)
            for _ in range(random.integers(4, 16)):
                at, step = at + step, step + random.normal(0, 1, 2)
                ids[(x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2] = label
            yield ids.copy()


def drawn_face(random: np.random.Generator) -> NDArray[np.uint8]:
    """A plain face of ellipses, every one a little elsewhere: cloth, neck, hair, skin, brows, eyes, nose, lips."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    parts = ((18, 0.5, 1.0, 0.45, 0.2), (17, 0.5, 0.82, 0.12, 0.15), (13, 0.5, 0.42, 0.33, 0.37),
             (1, 0.5, 0.5, 0.25, 0.33), (7, 0.4, 0.39, 0.07, 0.02), (6, 0.6, 0.39, 0.07, 0.02),
             (5, 0.4, 0.45, 0.05, 0.03), (4, 0.6, 0.45, 0.05, 0.03), (2, 0.5, 0.55, 0.04, 0.07),
             (11, 0.5, 0.69, 0.09, 0.03), (12, 0.5, 0.72, 0.08, 0.025))  # fmt: skip
    ids = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for label, cx, cy, rx, ry in parts:
        dx, dy = random.normal(0, 0.01, 2)
        wider, higher = random.uniform(0.9, 1.1, 2)
        ids[((x - cx - dx) / rx / wider) ** 2 + ((y - cy - dy) / ry / higher) ** 2 < 1] = label
    return ids


def body(ids: NDArray[np.uint8], seed: int) -> bytes:
    """What the page sends for a picture."""
    image, stream = Image.fromarray(ids), io.BytesIO()
    image.putpalette(PALETTE.ravel().tolist())
    image.save(stream, "PNG", compress_level=6)
    labels = base64.b64encode(stream.getvalue()).decode("ascii")
    return json.dumps({"labels": labels, "style": {"seed": seed}}).encode()
