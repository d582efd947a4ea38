"""`facesynth segment`: photos or aligned faces in, label maps (and the faces they belong to) out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from facesynth.core.faces import Face
from facesynth.core.image_files import png_bytes, read_photo
from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import STANDARD, Label, LabelMap
from facesynth.core.refs import Done, Item, Origin
from facesynth.jobs.items import FaceFinder, FoundFace, face_item, found_faces
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Sheets
from facesynth.stages.base import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOutputs:
    """What is written beside `labels/` and `images/`; `schema` is the order of ids in the label maps."""

    schema: str = STANDARD
    parts: bool = False
    on_photo: bool = False
    sheet: bool = False


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A face with its label map and, where asked for, the artifact that holds the probabilities behind it."""

    origin: Origin
    face: Item[Face]
    found: FoundFace | None
    labels: Done[LabelMap]
    probabilities: Done[Any] | None = None


def segment(
    session: Session,
    stage: Stage[Face, LabelMap],
    *,
    align: FaceFinder | None,
    probabilities: Stage[Face, Any] | None = None,
    outputs: SegmentOutputs,
) -> None:
    """Write `labels/NAME.png` of every face, and `images/NAME.png`, the face, where `align` found it in a photo.

    Without `align` the inputs are aligned faces. More is written on demand: `parts/NAME_CLASS.png` (255 inside, one for
    each of the 19 classes), `on-photo/PHOTO.png` (all faces' labels in the photo's frame), `probabilities/NAME.npy`.
    """
    sheets = Sheets(session, ("face", "labels")) if outputs.sheet else None
    faces: Iterable[tuple[Item[Face], FoundFace | None]]
    if align is None:
        faces = ((face_item(source.path), None) for source in session.sources)
    else:
        faces = found_faces(session, align, session.sources)
    parsed = _parsed(session, stage, faces)
    if probabilities is not None:
        parsed = _with_probabilities(session, probabilities, parsed)
    for path, group in groupby(parsed, key=lambda item: item.origin.path):
        of_photo: list[_Parsed] = []
        written: list[tuple[_Parsed, list[PurePosixPath]]] = []
        for item in group:
            of_photo.append(item)
            with session.item(item.origin):
                written.append((item, _write(session, item, outputs)))
                if sheets:
                    face, labels = item.face.identify().load(), item.labels.ref.load()
                    sheets.add(str(session.name(item.origin)), [face.photo, labels])
        if outputs.on_photo and written:
            with session.item(Origin(path)):
                name = _below("on-photo", session.name(Origin(path)), ".png")
                written[0][1].append(session.write(partial(_on_photo, of_photo, outputs.schema), name))
        for item, places in written:
            session.finish(item.origin, places, cached=item.labels.cached)
    if sheets:
        sheets.close()
    if align is not None:
        session.estimate.follow(align, stage)
    if probabilities is not None:
        session.estimate.follow(stage, probabilities)


def _parsed(
    session: Session, stage: Stage[Face, LabelMap], faces: Iterable[tuple[Item[Face], FoundFace | None]]
) -> Iterator[_Parsed]:
    with_items = ((item, (item, found)) for item, found in faces)
    for labels, (item, found) in session.run(stage, with_items):
        yield _Parsed(labels.origin, item, found, labels)


def _with_probabilities(session: Session, stage: Stage[Face, Any], parsed: Iterator[_Parsed]) -> Iterator[_Parsed]:
    items: Generator[tuple[Item[Face], _Parsed], None, None] = ((item.face, item) for item in parsed)
    for result, item in session.run(stage, items):
        yield _Parsed(item.origin, item.face, item.found, item.labels, result)


def _write(session: Session, item: _Parsed, outputs: SegmentOutputs) -> list[PurePosixPath]:
    name = session.name(item.origin)
    places = []
    labels = item.labels
    if item.found is not None:
        places.append(session.place(item.found.photo, item.found.file, _below("images", name, ".png")))
    if outputs.schema == STANDARD:
        places.append(session.place(labels, "labels.png", _below("labels", name, ".png")))
    else:
        encoded = partial(encode_label_map, labels.ref.load(), schema=outputs.schema)
        places.append(session.write(encoded, _below("labels", name, ".png")))
    if outputs.parts:
        ids = labels.ref.load().ids
        for label in Label:
            mask = Image.fromarray(np.where(ids == label, np.uint8(255), np.uint8(0)))
            part = _below("parts", name, f"_{label.name.lower()}.png")
            places.append(session.write(partial(png_bytes, mask), part))
    if item.probabilities is not None:
        places.append(session.place(item.probabilities, "probabilities.npy", _below("probabilities", name, ".npy")))
    return places


def _on_photo(faces: list[_Parsed], schema: str) -> bytes:
    """All faces' labels in the frame of their photo; where they overlap, the first face's."""
    photo = read_photo(Path(faces[0].origin.path))
    ids = np.full((photo.height, photo.width), Label.BACKGROUND, dtype=np.uint8)
    for item in faces:
        own = item.face.identify().load().labels_on_photo(item.labels.ref.load(), photo.height, photo.width).ids
        ids = np.where(ids == Label.BACKGROUND, own, ids)
    return encode_label_map(LabelMap(ids), schema=schema)


def _below(folder: str, name: PurePosixPath, suffix: str) -> PurePosixPath:
    return PurePosixPath(folder) / name.with_name(name.name + suffix)
