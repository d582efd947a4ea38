"""The contact sheet's pictures as small files beside an evaluation: a comparison shows them, and paints nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from PIL import Image

from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map, encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import sha256_bytes
from facesynth.evaluation.page_parts import small
from facesynth.evaluation.pictures.cases import Case, CasePictures, KeptPicture, View
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.sheets import SEEDS, SIDE, looked

FACES = "evaluation-faces"
"""The folder that they lie in, beside evaluation.json: no folder of somebody's faces is called so."""
MOST = 12
"""Faces that are kept at most."""
_LABELS_SIDE = 512
"""Pixels of a kept label map's side at most: a smaller one would lose its thin lines."""
_QUALITY = 90
_FILE = re.compile(rf"{FACES}/[\w-]+\.(jpg|png)")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Made:
    kept: KeptPicture
    data: bytes


def kept_faces(evaluation: PictureEvaluation) -> tuple[PictureEvaluation, dict[str, bytes]]:
    """The evaluation with what is kept of its contact sheet's faces, and those files by name, to lie beside it.

    They are what its report shows of these faces, at that size, and of no other face. A face that is gone has none.
    """
    files: dict[str, bytes] = {}
    kept: dict[str, tuple[KeptPicture, ...]] = {}
    for number, name in enumerate(evaluation.sheet[:MOST], 1):
        case = evaluation.case(name)
        found = None if case is None else looked(case)
        made = [] if found is None else list(_made(found, number))
        kept[name] = tuple(one.kept for one in made)
        files |= {one.kept.file: one.data for one in made}
    cases = tuple(replace(case, kept=kept.get(case.name, ())) for case in evaluation.cases)
    return replace(evaluation, cases=cases), files


def with_looks(evaluation: PictureEvaluation, folder: Path) -> PictureEvaluation:
    """An evaluation that was read from a file in `folder`: its faces are drawn from what was kept there."""
    cases = (replace(case, look=partial(_look, folder, case)) if case.kept else case for case in evaluation.cases)
    return replace(evaluation, cases=tuple(cases))


def files_kept(evaluation: PictureEvaluation, folder: Path) -> Iterator[Path]:
    """The files in `folder` that were kept of the faces of an evaluation there, and lie there as they were."""
    for kept in (kept for case in evaluation.cases for kept in case.kept):
        if _read(folder, kept, lambda data, where: Path(where)) is not None:
            yield folder / kept.file


def _made(found: CasePictures, number: int) -> Iterator[_Made]:
    views: list[tuple[View, int | None, Photo | LabelMap | None]] = [
        ("label map", None, found.labels),
        ("photo", None, found.real),
        ("own", None, found.own),
        *(("seed", seed, picture) for seed, picture in list(found.seeds.items())[:SEEDS]),
        ("parsed again", None, found.reparsed),
    ]
    for view, seed, picture in views:
        if picture is not None:
            data = _labels(picture) if isinstance(picture, LabelMap) else _photo(picture)
            suffix = "png" if isinstance(picture, LabelMap) else "jpg"
            named = view.replace(" ", "-") + ("" if seed is None else f"-{seed}")
            file = f"{FACES}/{number}-{named}.{suffix}"
            yield _Made(KeptPicture(view=view, file=file, sha256=sha256_bytes(data), seed=seed), data)


def _labels(labels: LabelMap) -> bytes:
    scale = min(1.0, _LABELS_SIDE / max(labels.width, labels.height))
    width, height = (max(1, round(side * scale)) for side in (labels.width, labels.height))
    return encode_label_map(labels if scale == 1 else labels.resized(width, height))


def _photo(photo: Photo) -> bytes:
    stream = io.BytesIO()
    small(Image.fromarray(photo.pixels), SIDE, smooth=True).save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue()


def _look(folder: Path, case: Case) -> CasePictures:
    """What was kept, each picture that is still there as it was. InputError where none is."""
    maps: dict[View, LabelMap] = {}
    photos: dict[View, Photo] = {}
    seeds: dict[int, Photo] = {}
    for kept in case.kept:
        if kept.view in ("label map", "parsed again"):
            if (labels := _read(folder, kept, decode_label_map)) is not None:
                maps[kept.view] = labels
        elif (photo := _read(folder, kept, decode_photo)) is not None:
            if kept.seed is None:
                photos[kept.view] = photo
            else:
                seeds[kept.seed] = photo
    if not (maps or photos or seeds):
        raise InputError("none of its pictures is here any more", where=folder / FACES)
    return CasePictures(
        labels=maps.get("label map"),
        real=photos.get("photo"),
        own=photos.get("own"),
        seeds=seeds,
        reparsed=maps.get("parsed again"),
    )


def _read(folder: Path, kept: KeptPicture, decode: Callable[[bytes, str], T]) -> T | None:
    if not _FILE.fullmatch(kept.file):
        return None
    path = folder / kept.file
    try:
        data = read_file(path)
        return decode(data, str(path)) if sha256_bytes(data) == kept.sha256 else None
    except InputError:
        return None
