"""What jobs start from: photos, aligned faces, label maps and styles as items that stages can be run on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from facesynth.core.errors import InputError, LabelMapError, UsageError
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap, schema_named
from facesynth.core.refs import Declined, Digest, Done, Failed, FileRef, Item, Origin, Ref, sha256_bytes
from facesynth.core.scan import SourceFile
from facesynth.core.styles import Style
from facesynth.jobs.session import Session
from facesynth.pipeline import find, flatten, run
from facesynth.stages.base import FanOutCodec, Stage


class FaceFinder(Stage[Photo, tuple[Face, ...]], Protocol):
    """A stage that finds the faces of a photo: `align`."""

    @property
    def codec(self) -> FanOutCodec[Face]: ...


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face that `align` found: its item, and the artifact and the file in it that it lies in."""

    item: Ref[Face]
    photo: Done[tuple[Face, ...]]
    file: str


def photo_item(path: Path) -> FileRef[Photo]:
    """A photo file as an item."""
    return FileRef(path, origin=Origin(str(path)), decode=decode_photo)


def face_item(path: Path) -> FileRef[Face]:
    """An aligned face's file as an item. Its digest is that of the same face fresh from `align`."""
    return FileRef(path, origin=Origin(str(path)), decode=_decode_face)


def labels_item(path: Path, schema: str | None = None) -> Item[LabelMap]:
    """A label map's file as an item; `schema` names the order of its ids where the file does not. Raises UsageError."""
    file = FileRef(path, origin=Origin(str(path)), decode=partial(_decode_labels, schema=schema))
    if schema is None:
        return file
    schema_named(schema)
    return _Derived(file, schema)


def style_item(style: Style) -> Ref[Style]:
    """A style that is known as an item; its digest is that of the same style from the cache."""
    return Ref(style.digest(), Origin(style.kind), lambda: style)


@dataclass(frozen=True, slots=True)
class MixedStyle:
    """The style (1 - t) · first + t · second as an item."""

    first: Item[Style]
    second: Item[Style]
    t: float

    @property
    def origin(self) -> Origin:
        return self.second.origin

    def identify(self) -> Ref[Style]:
        first, second = self.first.identify(), self.second.identify()

        def digest() -> Digest:
            return sha256_bytes(json.dumps(["mix", first.identify().digest, second.identify().digest, self.t]).encode())

        return Ref(digest(), self.origin, lambda: Style.mix(first.load(), second.load(), self.t), digest)


@dataclass(frozen=True, slots=True)
class _Derived:
    """A file whose value depends on its bytes and on how they are read."""

    file: FileRef[LabelMap]
    reading: str

    @property
    def origin(self) -> Origin:
        return self.file.origin

    def identify(self) -> Ref[LabelMap]:
        ref = self.file.identify()
        return dataclasses.replace(ref, digest=sha256_bytes(json.dumps([ref.digest, self.reading]).encode()))


def found_faces(
    session: Session, stage: FaceFinder, sources: Iterable[SourceFile]
) -> Generator[tuple[Ref[Face], FoundFace], None, None]:
    """Every face in the photos, in order."""
    photos: Iterator[tuple[Item[Photo], None]] = ((photo_item(source.path), None) for source in sources)
    for result, _ in session.run(stage, photos):
        files = stage.codec.parts(result.files)
        session.execution.progress.more(len(files) - 1)
        for item, file in zip(flatten([result], stage.codec), files, strict=True):
            yield item, FoundFace(item, result, file)


def style_of(session: Session, path: Path, align: FaceFinder, encode: Stage[Face, Style]) -> Item[Style]:
    """The style of the largest face in a photo, or of a square image in which no face is found: it may be one already.

    Raises the error of a file that cannot be used: without its style, the job has nothing to do.
    """
    found = _only(session, align, photo_item(path))
    if found is None:  # in a dry run
        session.estimate.add(encode, apart=True)
        return Ref("", Origin(str(path)), _never)
    face: Item[Face]
    if isinstance(found, Done):
        face, *others = flatten([found], align.codec)
        if others:
            session.execution.progress.note(f"{path} shows {1 + len(others)} faces: the largest gives the style")
            face = max(face, *others, key=lambda one: _side(one.identify().load()))
    else:
        photo = photo_item(path).identify().load()
        if photo.width != photo.height:
            raise InputError(found.reason, where=path, hint="give a style image with a face in it")
        session.execution.progress.note(f"{path}: {found.reason}; the square image is taken for an aligned face")
        face = face_item(path)
    style = _only(session, encode, face)
    return style.ref if isinstance(style, Done) else Ref("", Origin(str(path)), _never)


def _side(face: Face) -> float:
    """The side, in the photo's pixels, of the square that a face was cut out of."""
    return 0.0 if face.to_source is None else face.to_source.scale * face.size


def _only(session: Session, stage: Stage[Any, Any], item: Item[Any]) -> Done[Any] | Declined | None:
    how = session.execution
    session.report.weights.update({f"{stage.name}/{role}": digest for role, digest in stage.weights.items()})
    if how.dry_run:
        result = None if how.force else find(stage, item, how.store)
        if result is None:
            session.estimate.add(stage, apart=True)
    else:
        with closing(
            run(
                stage,
                [item],
                how.store,
                batch_size=how.batch_size,
                workers=how.workers,
                force=how.force,
                on_mended=session.note_mended,
            )
        ) as results:
            result = next(results)
    if isinstance(result, Failed):
        raise result.error
    return result


def _never() -> Style:
    raise UsageError("a dry run computes no style")


def _decode_labels(data: bytes, where: str, *, schema: str | None) -> LabelMap:
    labels = decode_label_map(data, where, schema=schema)
    if labels.width != labels.height:
        raise LabelMapError(
            f"the label map is {labels.width}×{labels.height}, a face is square",
            where=where,
            hint="give the label map of an aligned face, as segment writes it",
        )
    return labels


def _decode_face(data: bytes, where: str) -> Face:
    photo = decode_photo(data, where)
    try:
        return Face.from_aligned(photo)
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from None
