"""The style that a photo gives: of its largest face, or of itself where it is an aligned face already."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Face
from facesynth.core.refs import Declined, Done, Failed, Item, Origin, Ref
from facesynth.core.styles import Style
from facesynth.jobs.items import face_item, photo_item
from facesynth.jobs.session import Session
from facesynth.jobs.transfer import TransferStages
from facesynth.pipeline import flatten
from facesynth.stages.base import Stage


def style_of(session: Session, path: Path, stages: TransferStages) -> Item[Style]:
    """The style of the largest face in a photo, or of a square image in which no face is found: it may be one already.

    Raises the error of a file that cannot be used: without its style, the job has nothing to do.
    """
    found = _only(session, stages.align, photo_item(path))
    if found is None:  # in a dry run
        if stages.encode_regions is not None:
            session.estimate.add(stages.segment, apart=True)
        return _unread(session, stages, path, add=True)
    face: Item[Face]
    if isinstance(found, Done):
        face, *others = flatten([found], stages.align.codec)
        if others:
            session.execution.progress.note(f"{path} shows {1 + len(others)} faces: the largest gives the style")
            face = max(face, *others, key=lambda one: _side(one.identify().load()))
    else:
        photo = photo_item(path).identify().load()
        if photo.width != photo.height:
            raise InputError(found.reason, where=path, hint="give a style image with a face in it")
        session.execution.progress.note(f"{path}: {found.reason}; the square image is taken for an aligned face")
        face = face_item(path)
    read: Item[Any] = face
    if stages.encode_regions is not None:
        labels = _only(session, stages.segment, face)
        if not isinstance(labels, Done):
            return _unread(session, stages, path, add=True)
        read = stages.to_read(face, labels.ref)
    style = _only(session, stages.read_style, read)
    return style.ref if isinstance(style, Done) else _unread(session, stages, path, add=False)


def _unread(session: Session, stages: TransferStages, path: Path, *, add: bool) -> Item[Style]:
    """What stands for a style in a dry run, which computes none; `add` it to what would be computed."""
    if add:
        session.estimate.add(stages.read_style, apart=True)
    return Ref("", Origin(str(path)), _never)


def _side(face: Face) -> float:
    """The side, in the photo's pixels, of the square that a face was cut out of."""
    return 0.0 if face.to_source is None else face.to_source.scale * face.size


def _only(session: Session, stage: Stage[Any, Any], item: Item[Any]) -> Done[Any] | Declined | None:
    """The stage's answer to one item; None in a dry run that would have to compute it. Raises a failure's error."""
    with closing(session.results(stage, [item], apart=True)) as results:
        result = next(results)
    if isinstance(result, Failed):
        raise result.error
    return result


def _never() -> Style:
    raise UsageError("a dry run computes no style")
