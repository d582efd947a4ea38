"""`facesynth transfer`: faces painted again in another face's style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress, groupby
from typing import Any

from facesynth.core.errors import InputError
from facesynth.core.faces import Face
from facesynth.core.image_files import SYNTHETIC_TEXT, decode_photo, encode_png
from facesynth.core.images import Photo
from facesynth.core.label_files import holds_label_map, looks_like_label_map
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import Done, Item, Origin, PairRef, Ref
from facesynth.core.sources import SourceFile
from facesynth.core.styles import Style
from facesynth.jobs.finishing import finishing
from facesynth.jobs.items import FaceFinder, found_faces, labels_item
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Cell, Sheets
from facesynth.jobs.wanted_style import WantedStyle
from facesynth.stages.base import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStages:
    """What paints a photo's faces again: found, parsed, their own style read, painted.

    `encode_regions` is there for a generator that has a style for each region of a face, and then reads it.
    """

    align: FaceFinder
    segment: Stage[Face, LabelMap]
    encode: Stage[Face, Style]
    synthesize: Stage[tuple[LabelMap, Style], Photo]
    encode_regions: Stage[tuple[Face, LabelMap], Style] | None = None

    @property
    def read_style(self) -> Stage[Any, Style]:
        """What reads the style of a face, of `to_read` items."""
        return self.encode if self.encode_regions is None else self.encode_regions

    def to_read(self, face: Item[Face], labels: Item[LabelMap]) -> Item[Any]:
        """A face with its label map, as `read_style` takes it."""
        return face if self.encode_regions is None else PairRef(face, labels)


@dataclass(frozen=True, slots=True)
class _Painted:
    """A picture, with the label map and, where there is one, the face that it was painted from."""

    origin: Origin
    labels: Item[LabelMap]
    face: Ref[Face] | None
    picture: Done[Photo]


def transfer(
    session: Session,
    stages: TransferStages,
    style: Item[Style] | None,
    *,
    regions: Sequence[tuple[tuple[Label, ...], Item[Style]]] = (),
    strength: float = 1.0,
    paste_back: bool = False,
    all_labels: bool = False,
    schema: str | None = None,
    sheet: bool = False,
) -> None:
    """Write every face of the content in `style`: `NAME.png`, numbered where a photo shows several.

    What looks like a label map is one (with `all_labels` everything is), all else is a photo. `regions` are painted in
    styles of their own; without `style` the rest keeps the content's own style, for label maps the mean style.
    `strength` 0..1 goes from there to all that. With `paste_back` a photo's faces are blended into it and the photo is
    written. Raises UsageError for another strength, and where there is neither a style nor a region's.
    """
    wanted = WantedStyle(style, tuple(regions), strength)
    sheets = (
        Sheets(session, ("content", "labels", "result"), synthetic=True)
        if sheet and not session.execution.dry_run
        else None
    )
    are_maps = bytearray(all_labels or _is_label_map(source) for source in session.sources)
    maps = compress(session.sources, are_maps)
    photos = compress(session.sources, (not is_map for is_map in are_maps))
    if paste_back and any(are_maps):
        count = are_maps.count(True)
        told = f"{next(compress(session.sources, are_maps)).path} is a label map"
        told = told if count == 1 else f"{count} inputs are label maps"
        session.execution.progress.note(f"{told}: painted, but there is no photo to paste back into")
    target = wanted.of(_mean_of(wanted.any_face))
    for painted in _from_labels(session, stages, maps, target, schema):
        with session.item(painted.origin):
            _finish(session, [painted], painted.picture, sheets)
    session.hint(_hint_at_labels)
    _finish_photos(session, _from_photos(session, stages, photos, wanted), sheets, paste_back=paste_back)
    if sheets:
        sheets.close()
    if not all(are_maps):
        session.estimate.follow(stages.align, stages.segment)
        painted_from: Stage[Any, Any] = stages.segment
        if wanted.needs_own:
            session.estimate.follow(stages.segment, stages.read_style)
            painted_from = stages.read_style
        session.estimate.follow(painted_from, stages.synthesize)


def _from_labels(
    session: Session, stages: TransferStages, sources: Iterable[SourceFile], style: Item[Style], schema: str | None
) -> Iterator[_Painted]:
    maps = (labels_item(source.path, schema, source.part) for source in sources)
    items: Iterator[tuple[Item[tuple[LabelMap, Style]], Item[LabelMap]]]
    items = ((PairRef(labels, style), labels) for labels in maps)
    for picture, labels in finishing(session, stages.synthesize, items):
        yield _Painted(picture.origin, labels, None, picture)


def _from_photos(
    session: Session, stages: TransferStages, sources: Iterable[SourceFile], wanted: WantedStyle
) -> Iterator[_Painted]:
    faces = ((face, face) for face, _ in found_faces(session, stages.align, sources))
    parsed = ((labels.ref, face) for labels, face in session.run(stages.segment, faces))
    items: Iterator[tuple[PairRef[LabelMap, Style], tuple[Ref[LabelMap], Ref[Face]]]]
    if wanted.needs_own:
        read = ((stages.to_read(face, labels), (labels, face)) for labels, face in parsed)
        own = session.run(stages.read_style, read)
        items = ((PairRef(along[0], wanted.of(style.ref)), along) for style, along in own)
    else:
        items = ((PairRef(along[0], wanted.of(wanted.any_face)), along) for along in parsed)
    for picture, (labels, face) in finishing(session, stages.synthesize, items):
        yield _Painted(picture.origin, labels, face, picture)


def _finish_photos(session: Session, found: Iterable[_Painted], sheets: Sheets | None, *, paste_back: bool) -> None:
    if not paste_back:
        for painted in found:
            with session.item(painted.origin):
                _finish(session, [painted], painted.picture, sheets)
        return
    for path, group in groupby(found, key=lambda painted: painted.origin.path):
        with session.item(Origin(path)):
            _finish(session, list(group), None, sheets)


def _finish(session: Session, faces: list[_Painted], picture: Done[Photo] | None, sheets: Sheets | None) -> None:
    """Write one picture, or without it the photo with all its faces pasted back."""
    origin = faces[0].origin if picture else Origin(faces[0].origin.path)
    name = session.name(origin)
    place = name.with_name(f"{name.name}.png")
    if picture:
        session.place(picture, "picture.png", place)
    else:
        session.write(lambda: encode_png(_pasted(session, faces), SYNTHETIC_TEXT), place)
    if not picture:
        session.execution.progress.advance(len(faces) - 1)
    session.finish(origin, [place], cached=all(painted.picture.cached for painted in faces))
    if sheets:
        for painted in faces:
            sheets.add(str(session.name(painted.origin)), partial(_row, painted))


def _row(painted: _Painted) -> list[Cell]:
    content = None if painted.face is None else painted.face.load().photo
    return [content, painted.labels.identify().load(), painted.picture.ref.load()]


def _pasted(session: Session, faces: list[_Painted]) -> Photo:
    path = faces[0].origin.path
    photo = decode_photo(session.input_bytes(path), path)
    for painted in faces:
        assert painted.face is not None
        labels = painted.labels.identify().load()
        photo = painted.face.load().paste_back(photo, painted.picture.ref.load(), labels=labels)
    return photo


def _is_label_map(source: SourceFile) -> bool:
    try:
        if source.part is not None:
            return looks_like_label_map(source.part.read(str(source.path)))
        return holds_label_map(source.path)
    except InputError:
        return False  # it will be named when it is read as a photo


def _hint_at_labels(origin: Origin) -> str | None:
    """What is to be done with a PNG without a face if it is a label map."""
    return "if it is a label map: --labels" if origin.path.lower().endswith(".png") else None


def _mean_of(style: Item[Style]) -> Item[Style]:
    """The style of nobody in particular, for the generator whose encoder read `style`."""
    known = style.identify()
    return Ref(f"mean for {known.digest}", Origin("mean style"), partial(_middle, known.load))


def _middle(load: Callable[[], Style]) -> Style:
    return load().middle()
