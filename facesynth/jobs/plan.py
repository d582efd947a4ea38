"""`facesynth run`: photos in; faces, label maps, the faces painted again in several styles, and a contact sheet out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Done, Item, Origin, PairRef, Ref, sha256_bytes
from facesynth.core.styles import Style
from facesynth.jobs.confidence import about_confidence, tell_doubts
from facesynth.jobs.destination import Output
from facesynth.jobs.finishing import finishing
from facesynth.jobs.items import FoundFace, found_faces, style_item
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Cell, Sheets
from facesynth.jobs.transfer import TransferStages
from facesynth.outputs import folded
from facesynth.plans import SynthesizePlan

MATRIX = 12
"""Up to so many faces, each painted in every other's style, are laid out as a matrix."""


@dataclass(slots=True)
class _Subject:
    """A face that came through parsing and encoding, and what was made of it."""

    origin: Origin
    name: PurePosixPath
    face: FoundFace
    labels: Done[LabelMap]
    style: Ref[Style]
    outputs: list[Output] = field(default_factory=list)
    cached: bool = True
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Painting:
    """One picture to make: the subject of that index in a style, what the report calls it, and where it goes."""

    index: int
    subject: _Subject
    style: Ref[Style]
    part: str
    place: PurePosixPath


def carry_out(session: Session, stages: TransferStages, plan: SynthesizePlan, *, sheet: bool = True) -> None:
    """Write `faces/`, `labels/`, `own-style/`, `other-styles/` and `seeds/`, with the inputs' names, and the sheet.

    A face in another's style is `other-styles/NAME/in-the-style-of-OTHER.png`. Only references to faces, label maps
    and styles are held, never their pixels. Whatever ends the run, the report says what is in place by then.
    """
    subjects: list[_Subject] = []
    told: set[Origin] = set()
    try:
        for subject in _subjects(session, stages):
            subjects.append(subject)
        for subject in _painted(session, stages, plan, subjects, sheet=sheet and not session.execution.dry_run):
            session.finish(subject.origin, subject.outputs, cached=subject.cached, about=subject.about, advance=0)
            told.add(subject.origin)
            subject.outputs.clear()  # the report holds them now
    finally:
        for subject in subjects:
            if not session.execution.dry_run and subject.origin not in told:
                session.finish(subject.origin, subject.outputs, cached=subject.cached, about=subject.about, advance=0)
    tell_doubts(session)
    session.estimate.follow(stages.align, stages.segment)
    session.estimate.follow(stages.segment, stages.read_style)
    faces = len(subjects) + session.estimate.missing[stages.read_style.name]
    session.estimate.follow(stages.read_style, stages.synthesize, _pictures_each(plan, faces))


def _pictures_each(plan: SynthesizePlan, faces: int) -> int:
    """How many pictures are painted of each of so many faces: there are no more other styles than other faces."""
    return int(plan.own) + min(plan.others, max(0, faces - 1)) + len(plan.seeds)


def _painted(
    session: Session, stages: TransferStages, plan: SynthesizePlan, subjects: Sequence[_Subject], *, sheet: bool
) -> Iterator[_Subject]:
    """The subjects of which something is painted, in order, each when all of that is in its place."""
    session.execution.progress.begin(len(subjects) * _pictures_each(plan, len(subjects)), "paint")
    flat = _flat_names(subjects)
    items: Iterator[tuple[Item[tuple[LabelMap, Style]], _Painting]]
    items = (
        (PairRef(painting.subject.labels.ref, painting.style), painting)
        for index in range(len(subjects))
        for painting in _paintings(subjects, flat, index, plan)
    )
    matrix = plan.own and not plan.seeds and 1 < len(subjects) <= min(MATRIX, plan.others + 1)
    sheets = _sheets(session, subjects, plan, matrix) if sheet else None
    painted = finishing(session, stages.synthesize, items, part=lambda painting: painting.part)
    for index, group in groupby(painted, key=lambda item: item[1].index):
        subject = subjects[index]
        pictures: dict[PurePosixPath, Ref[Photo]] = {}
        for picture, painting in group:
            with session.item(subject.origin, painting.part):
                subject.outputs.append(session.place(picture, "picture.png", painting.place))
                subject.cached &= picture.cached
                session.execution.progress.advance()
                if sheets:
                    pictures[painting.place] = picture.ref
        yield subject
        if sheets:
            cells = [pictures.get(painting.place) for painting in _paintings(subjects, flat, index, plan)]
            turned = [*cells[-index:], *cells[:-index]] if matrix and index else cells
            sheets.add(str(subject.name), partial(_row, session, subject, turned))
    if sheets:
        sheets.close()


def _subjects(session: Session, stages: TransferStages) -> Iterator[_Subject]:
    faces = ((face, (face, found)) for face, found in found_faces(session, stages.align, session.sources))
    parsed = session.run(stages.segment, faces)
    read = ((stages.to_read(face, labels.ref), (labels, found)) for labels, (face, found) in parsed)
    for style, (labels, found) in finishing(session, stages.read_style, read):
        name = session.name(style.origin)
        cached = found.photo.cached and labels.cached and style.cached
        subject = _Subject(style.origin, name, found, labels, style.ref, cached=cached)
        with session.item(style.origin):
            subject.about.update(about_confidence(labels))
            face = session.place(found.photo, found.file, PurePosixPath("faces") / f"{name}.png")
            parsed_to = session.place(labels, "labels.png", PurePosixPath("labels") / f"{name}.png")
            subject.outputs += [face, parsed_to]
            session.execution.progress.advance()
        if subject.outputs:
            yield subject


def _paintings(
    subjects: Sequence[_Subject], flat: Sequence[str], index: int, plan: SynthesizePlan
) -> Iterator[_Painting]:
    """What is painted of one subject: its own style, then the next subjects' styles, then seeds."""
    subject = subjects[index]
    if plan.own:
        yield _Painting(index, subject, subject.style, "own style", PurePosixPath("own-style") / f"{subject.name}.png")
    for step in range(1, min(plan.others + 1, len(subjects))):
        chosen = (index + step) % len(subjects)
        other = subjects[chosen]
        place = PurePosixPath("other-styles") / subject.name / f"in-the-style-of-{flat[chosen]}.png"
        yield _Painting(index, subject, other.style, f"in the style of {other.name}", place)
    for seed in plan.seeds:
        style = style_item(Style.from_seed(seed))
        yield _Painting(
            index, subject, style, f"seed {seed}", PurePosixPath("seeds") / subject.name / f"seed{seed}.png"
        )


def _flat_names(subjects: Sequence[_Subject]) -> list[str]:
    """The subjects' names in one level; those that a file system may take for equal get eight digits of a sha256."""
    flat = [str(subject.name).replace("/", "-") for subject in subjects]
    seen = Counter(map(folded, flat))
    return [
        name
        if seen[folded(name)] == 1
        else f"{name}-{sha256_bytes(str(subject.name).encode('utf-8', 'surrogateescape'))[:8]}"
        for name, subject in zip(flat, subjects, strict=True)
    ]


def _sheets(session: Session, subjects: Sequence[_Subject], plan: SynthesizePlan, matrix: bool) -> Sheets:
    """A matrix has a column for each face's style; else there is a column for own style, next face's style, …"""
    if matrix:
        sheets = Sheets(session, ("photo", "face", "labels", *(f"style of {s.name}" for s in subjects)), synthetic=True)
        sheets.add("style", lambda: [None, None, None, *map(_face, subjects)])
        return sheets
    others = [f"style of {step} on" for step in range(1, min(plan.others + 1, len(subjects)))]
    own, seeds = ["own style"] if plan.own else [], [f"seed {seed}" for seed in plan.seeds]
    return Sheets(session, ("photo", "face", "labels", *own, *others, *seeds), synthetic=True)


def _row(session: Session, subject: _Subject, pictures: Sequence[Ref[Photo] | None]) -> Iterator[Cell]:
    path = subject.origin.path
    yield decode_photo(session.input_bytes(path), path)
    yield _face(subject)
    yield subject.labels.ref.load()
    for picture in pictures:
        yield None if picture is None else picture.load()


def _face(subject: _Subject) -> Photo:
    return subject.face.item.load().photo
