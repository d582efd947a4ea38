"""What tests send."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from facesynth.core.image_files import encode_png
from facesynth.core.images import Photo
from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import LabelMap
from tests.drawn_pairs import drawn_labels


def labels(seed: int = 0, size: int = 32) -> LabelMap:
    """A drawn label map."""
    return drawn_labels(seed, size)


def labels_png(seed: int = 0, size: int = 32) -> bytes:
    """The same as a file."""
    return encode_label_map(labels(seed, size))


def photo_png(colour: tuple[int, int, int] = (140, 70, 28), width: int = 40, height: int = 20) -> bytes:
    """A flat photo: of two drawn faces where it is twice as wide as high, of none where it is black."""
    return encode_png(Photo(np.full((height, width, 3), colour, dtype=np.uint8)))


def in_base64(data: bytes) -> str:
    """As JSON carries files."""
    return base64.b64encode(data).decode("ascii")


def painting(seed: int = 3, **more: Any) -> dict[str, Any]:
    """The JSON body of a painting."""
    return {"labels": in_base64(labels_png()), "seed": seed, **more}
