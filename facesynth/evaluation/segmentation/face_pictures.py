"""Pictures of single faces: photo, true labels, parsed labels, and where the two differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from facesynth.core.errors import CacheError, InputError
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.markup import image_source
from facesynth.core.sheets import contact_sheet
from facesynth.evaluation.page_parts import small
from facesynth.evaluation.segmentation.scoring import Seen, Shown

TITLES = ("photo", "truth", "parsed", "wrong pixels")
SIDE = 224
"""Pixels of a picture's side on a page: twice what it is shown at on a phone."""

_FADED, _WRONG = 0.65, (214, 40, 40)


def error_map(seen: Seen) -> Photo:
    """The face faded, its wrong pixels red; without a photo its true labels, faded."""
    truth, predicted = seen.truth, seen.predicted.resized(seen.truth.width, seen.truth.height)
    if seen.photo is None:
        under = truth.colours()
    else:
        under = seen.photo.resized(truth.width, truth.height).pixels
    grey = np.asarray(Image.fromarray(under).convert("L"), dtype=np.float32)[..., None].repeat(3, axis=2)
    pixels = (grey + (255 - grey) * _FADED).astype(np.uint8)
    pixels[truth.ids != predicted.ids] = _WRONG
    return Photo(pixels)


def looked(shown: Shown) -> Seen | None:
    """What a face's pictures are drawn from, None where its files cannot be read any more."""
    try:
        return shown.look()
    except (InputError, CacheError):
        return None


def faces_sheet(faces: Sequence[Shown]) -> Photo:
    """A contact sheet, a row a face: photo (where there is one), truth, parsed, wrong pixels."""
    rows: list[list[Photo | LabelMap | None]] = []
    for shown in faces:
        seen = looked(shown)
        rows.append([None] * 4 if seen is None else [seen.photo, seen.truth, seen.predicted, error_map(seen)])
    names = [f"{shown.score.name}  {shown.score.mean_iou:.3f}" for shown in faces]
    if all(row[0] is None for row in rows):
        return contact_sheet([row[1:] for row in rows], titles=TITLES[1:], row_titles=names)
    return contact_sheet(rows, titles=TITLES, row_titles=names)


def face_sources(shown: Shown) -> list[tuple[str, str | None]]:
    """A face's pictures for a page, each with its title; None in place of those that cannot be read any more."""
    seen = looked(shown)
    if seen is None:
        return [(title, None) for title in TITLES[1:]]
    pictures = [Image.fromarray(labels.colours()) for labels in (seen.truth, seen.predicted)]
    pictures.append(Image.fromarray(error_map(seen).pixels))
    titled = list(zip(TITLES[1:], pictures, strict=True))
    if seen.photo is not None:
        titled.insert(0, (TITLES[0], Image.fromarray(seen.photo.pixels)))
    return [(title, image_source(small(image, SIDE, smooth=title == TITLES[0]))) for title, image in titled]
