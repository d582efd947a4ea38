"""The faces of an evaluation as a page shows them: label map, photo, painted pictures, what the judge sees in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from PIL import Image

from facesynth.core.errors import CacheError, InputError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.markup import image_source
from facesynth.evaluation.page_parts import small
from facesynth.evaluation.pictures.cases import Case, CasePictures

T = TypeVar("T")

Titled: TypeAlias = tuple[str, str | None]
"""A picture's title and the picture as a data: URI; None where it is gone."""

SIDE = 176
"""Pixels of a picture's side in a row of them."""
THUMB = 104
"""Pixels of a picture's side among the best and worst."""
SEEDS = 3
"""Pictures by seed that are shown."""

OWN = "own style"
GENERATED = "generated"


def looked(case: Case) -> CasePictures | None:
    """What a face's pictures are drawn from; None where its files cannot be read any more.

    Of an evaluation that was read from a file only those pictures are there that were kept, or lie where they lay:
    nothing is painted.
    """
    if case.look is None:
        return _from_files(case)
    try:
        return case.look()
    except (InputError, CacheError):
        return _from_files(case) if case.kept else None


def _from_files(case: Case) -> CasePictures | None:
    found = CasePictures(
        labels=_read(read_label_map, case.labels_file),
        real=_read(read_photo, case.real_file),
        own=_read(read_photo, case.generated_file),
    )
    return None if (found.labels, found.real, found.own) == (None, None, None) else found


def _read(read: Callable[[Path], T], file: str | None) -> T | None:
    if file is None:
        return None
    try:
        return read(Path(file))
    except InputError:
        return None


def given(pictures: CasePictures) -> list[tuple[str, Photo | LabelMap]]:
    """What a picture is painted from and compared with: label map and photo, those that there are."""
    titled = [("label map", pictures.labels), ("photo", pictures.real)]
    return [(title, one) for title, one in titled if one is not None]


def painted(pictures: CasePictures, *, own: str = OWN) -> list[tuple[str, Photo | LabelMap]]:
    """What was painted, in the photo's own style and by the first seeds, and what the judge sees in the former."""
    titled: list[tuple[str, Photo | LabelMap | None]] = [(own, pictures.own)]
    titled += [(f"seed {seed}", picture) for seed, picture in list(pictures.seeds.items())[:SEEDS]]
    titled.append(("parsed again", pictures.reparsed))
    return [(title, one) for title, one in titled if one is not None]


def sources(pictures: list[tuple[str, Photo | LabelMap]], side: int = SIDE) -> list[Titled]:
    """Pictures under their titles, each as a data: URI of at most `side` pixels."""
    return [(title, source(one, side)) for title, one in pictures]


def source(picture: Photo | LabelMap, side: int = SIDE) -> str:
    """A picture, or a label map in the palette's colours, as a data: URI of at most `side` pixels."""
    if isinstance(picture, LabelMap):
        return image_source(small(Image.fromarray(picture.colours()), side, smooth=False))
    return image_source(small(Image.fromarray(picture.pixels), side, smooth=True))
