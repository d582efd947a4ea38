"""Small pictures for the page of an inspection, as data: URIs, so that the page is one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from facesynth.core.errors import InputError
from facesynth.core.image_files import read_photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import PALETTE
from facesynth.core.markup import image_source

SIDE = 192
"""Pixels of a picture's longer side: shown at half to three quarters of it, so that it is sharp on a phone."""


def thumbnail(path: Path) -> str | None:
    """A photo made small; None where it cannot be read any more."""
    photo = _small(path)
    return None if photo is None else image_source(photo)


def overlay(path: Path, labels: Path, *, schema: str | None) -> str | None:
    """A photo half covered by its label map in the palette's colours."""
    photo = _small(path)
    ids = _ids(labels, photo, schema)
    if photo is None or ids is None:
        return None
    grey = photo.convert("L").convert("RGB")
    return image_source(Image.blend(grey, Image.fromarray(PALETTE[ids]), 0.6))


def highlight(path: Path, labels: Path, label: int, *, schema: str | None) -> str | None:
    """A photo faded but for the pixels of one class, with an outline in the class's colour around them."""
    photo = _small(path)
    ids = _ids(labels, photo, schema)
    if photo is None or ids is None:
        return None
    inside = Image.fromarray(((ids == label) * 255).astype(np.uint8))
    faded = Image.blend(photo.convert("L").convert("RGB"), Image.new("RGB", photo.size, (250, 250, 250)), 0.55)
    shown = Image.composite(photo, faded, inside)
    # Two lines, one light, so that dark colours stand out as well.
    for width, colour in ((7, (255, 255, 255)), (5, tuple(PALETTE[label].tolist()))):
        ring = Image.composite(Image.new("L", photo.size, 0), inside.filter(ImageFilter.MaxFilter(width)), inside)
        shown.paste(Image.new("RGB", photo.size, colour), mask=ring)
    return image_source(shown)


def _small(path: Path) -> Image.Image | None:
    try:
        image = Image.fromarray(read_photo(path).pixels)
    except InputError:
        return None
    scale = SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image


def _ids(path: Path, photo: Image.Image | None, schema: str | None) -> NDArray[np.uint8] | None:
    if photo is None:
        return None
    try:
        return read_label_map(path, schema=schema).resized(*photo.size).ids
    except InputError:
        return None
