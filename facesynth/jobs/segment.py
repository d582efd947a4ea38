"""`facesynth segment`: photos or aligned faces in, label maps (and the faces they belong to) out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from facesynth import weights
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo, png_bytes
from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import STANDARD, Label, LabelMap
from facesynth.core.refs import Done, Item, Origin
from facesynth.inference.foreign.header import is_foreign, refuse_labels_alone
from facesynth.jobs.confidence import about_confidence, tell_doubts
from facesynth.jobs.destination import Output
from facesynth.jobs.finishing import finishing
from facesynth.jobs.items import FaceFinder, FoundFace, face_item, found_faces
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Sheets
from facesynth.jobs.watching import watch
from facesynth.stages.base import Stage
from facesynth.stages.segment import PROBABILITIES_FILE, ProbabilitiesStage


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOutputs:
    """What is written beside `labels/` and `images/`; `schema` is the order of ids in the label maps."""

    schema: str = STANDARD
    parts: bool = False
    on_photo: bool = False
    sheet: bool = False


IN_SAMPLE = MappingProxyType({"images": "", "labels": "labels", "probabilities": "probabilities"})
"""What stands before the suffix of a file in an archive, by the folder that it would have lain in."""


@dataclass(slots=True)
class _Parsed:
    """A face with its label map, and the files that were written of it."""

    origin: Origin
    face: Item[Face]
    found: FoundFace | None
    labels: Done[LabelMap]
    places: list[Output] = field(default_factory=list)


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
    each of the 19 classes), `on-photo/PHOTO.png` (all faces' labels in the photo's frame), `probabilities/NAME.npz`.
    The report tells of each face how sure the parser is, and a line at the end how many should be looked at. Raises
    UsageError where probabilities are wanted of an ONNX file that answers with labels, before anything is written.
    """
    _check(probabilities)
    sheets = Sheets(session, ("face", "labels")) if outputs.sheet and not session.execution.dry_run else None
    _segment(session, stage, align, probabilities, outputs, sheets)
    if sheets:
        sheets.close()
    tell_doubts(session)
    if align is not None:
        session.estimate.follow(align, stage)
    if probabilities is not None:
        session.estimate.follow(stage, probabilities)


def segment_arrivals(
    session: Session,
    stage: Stage[Face, LabelMap],
    *,
    align: FaceFinder | None,
    probabilities: Stage[Face, Any] | None = None,
    outputs: SegmentOutputs,
    settle: float,
) -> None:
    """Do as `segment` with the files that come to be in the session's folders, until the user stops it; see `watch`.

    No contact sheet is made.
    """
    _check(probabilities)
    watch(session, lambda: _segment(session, stage, align, probabilities, outputs, None), settle=settle)
    tell_doubts(session)


def _check(probabilities: Stage[Face, Any] | None) -> None:
    if isinstance(probabilities, ProbabilitiesStage) and is_foreign(probabilities.parser):
        refuse_labels_alone(weights.locate(probabilities.parser or ""))


def _segment(
    session: Session,
    stage: Stage[Face, LabelMap],
    align: FaceFinder | None,
    probabilities: Stage[Face, Any] | None,
    outputs: SegmentOutputs,
    sheets: Sheets | None,
) -> None:
    """Write what is wanted of the session's sources."""
    faces: Iterable[tuple[Item[Face], FoundFace | None]]
    if align is None:
        faces = ((face_item(source.path, source.part), None) for source in session.sources)
    else:
        faces = found_faces(session, align, session.sources)
    parsed = _parsed(session, stage, faces, outputs, last=probabilities is None)
    if probabilities is not None:
        parsed = _with_probabilities(session, probabilities, parsed)
    for path, group in groupby(parsed, key=lambda item: item.origin.path):
        if not outputs.on_photo:
            for item in group:
                with session.item(item.origin):
                    _finish(session, item, sheets)
            continue
        of_photo = list(group)
        try:
            with session.item(Origin(path), "on photo", advance=0):
                name = _below("on-photo", session.name(Origin(path)), ".png")
                of_photo[0].places.append(session.write(partial(_on_photo, session, of_photo, outputs.schema), name))
        finally:  # what else there is of its faces is in its place
            for item in of_photo:
                with session.item(item.origin):
                    _finish(session, item, sheets)


def _finish(session: Session, item: _Parsed, sheets: Sheets | None) -> None:
    session.finish(item.origin, item.places, cached=item.labels.cached, about=about_confidence(item.labels))
    if sheets:
        sheets.add(str(session.name(item.origin)), lambda: (item.face.identify().load().photo, item.labels.ref.load()))


def _parsed(
    session: Session,
    stage: Stage[Face, LabelMap],
    faces: Iterable[tuple[Item[Face], FoundFace | None]],
    outputs: SegmentOutputs,
    *,
    last: bool,
) -> Iterator[_Parsed]:
    """The faces whose label maps are there and in their places."""
    with_items = ((item, (item, found)) for item, found in faces)
    run = finishing if last else Session.run
    for labels, (item, found) in run(session, stage, with_items):
        parsed, placed = _Parsed(labels.origin, item, found, labels), False
        with session.item(labels.origin):
            _write(session, parsed, outputs)
            placed = True
        if placed:
            yield parsed


def _with_probabilities(session: Session, stage: Stage[Face, Any], parsed: Iterator[_Parsed]) -> Iterator[_Parsed]:
    items: Generator[tuple[Item[Face], _Parsed], None, None] = ((item.face, item) for item in parsed)
    for result, item in finishing(session, stage, items):
        placed = False
        with session.item(item.origin):
            place = _below("probabilities", session.name(item.origin), ".npz")
            item.places.append(session.place(result, PROBABILITIES_FILE, place))
            placed = True
        if placed:
            yield item


def _write(session: Session, item: _Parsed, outputs: SegmentOutputs) -> None:
    name, labels, places = session.name(item.origin), item.labels, item.places
    if item.found is not None:
        places.append(session.place(item.found.photo, item.found.file, _below("images", name, ".png")))
    elif session.packing is not None:  # a sample is whole, or it would have to be joined with others somewhere
        path = item.origin.path
        suffix = PurePosixPath(path).suffix.lower()
        places.append(session.write(partial(session.input_bytes, path), _below("images", name, suffix)))
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


def _on_photo(session: Session, faces: list[_Parsed], schema: str) -> bytes:
    """All faces' labels in the frame of their photo; where they overlap, the first face's."""
    path = faces[0].origin.path
    photo = decode_photo(session.input_bytes(path), path)
    ids = np.full((photo.height, photo.width), Label.BACKGROUND, dtype=np.uint8)
    for item in faces:
        own = item.face.identify().load().labels_on_photo(item.labels.ref.load(), photo.height, photo.width).ids
        ids = np.where(ids == Label.BACKGROUND, own, ids)
    return encode_label_map(LabelMap(ids), schema=schema)


def _below(folder: str, name: PurePosixPath, suffix: str) -> PurePosixPath:
    return PurePosixPath(folder) / name.with_name(name.name + suffix)
