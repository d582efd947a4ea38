"""`facesynth align`: photos in, one square crop a face out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Done, Item, Origin
from facesynth.jobs.finishing import finishing
from facesynth.jobs.items import FaceFinder, photo_item
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Sheets
from facesynth.outputs import numbered


def align(session: Session, stage: FaceFinder, *, sheet: bool = False) -> None:
    """Write every face of every photo: `NAME.png`, or `NAME_00.png`, `NAME_01.png`, … where a photo shows several."""
    sheets = Sheets(session, ("photo", "face")) if sheet and not session.execution.dry_run else None
    items: Iterator[Item[Photo]] = (photo_item(source.path, source.part) for source in session.sources)
    photos: Iterator[tuple[Item[Photo], Origin]] = ((item, item.origin) for item in items)
    for result, origin in finishing(session, stage, photos):
        with session.item(origin):
            files = stage.codec.parts(result.files)
            names = [numbered(session.name(origin), index if len(files) > 1 else None) for index in range(len(files))]
            outputs = [
                session.place(result, file, name.with_name(f"{name.name}.png"))
                for file, name in zip(files, names, strict=True)
            ]
            session.finish(origin, outputs, cached=result.cached)
            if sheets:
                sheets.add(str(session.name(origin)), partial(_row, session, origin, result))
    if sheets:
        sheets.close()


def _row(session: Session, origin: Origin, result: Done[tuple[Face, ...]]) -> Iterator[Photo]:
    yield decode_photo(session.input_bytes(origin.path), origin.path)
    for face in result.ref.load():
        yield face.photo
