"""What jobs start from: photos, aligned faces, label maps and styles as items that stages can be run on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from facesynth.core.archives import ArchivePart
from facesynth.core.errors import InputError, LabelMapError
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap, schema_named
from facesynth.core.refs import Digest, Done, FileRef, Item, Origin, Ref, sha256_bytes
from facesynth.core.sources import SourceFile
from facesynth.core.styles import Style
from facesynth.jobs.session import Session
from facesynth.pipeline import flatten
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


def photo_item(path: Path, part: ArchivePart | None = None) -> FileRef[Photo]:
    """A photo file as an item; `part` is where its bytes lie in an archive."""
    return FileRef(path, origin=Origin(str(path)), decode=decode_photo, part=part)


def face_item(path: Path, part: ArchivePart | None = None) -> FileRef[Face]:
    """An aligned face's file, or `part` of an archive, as an item.

    Its digest is that of the same face fresh from `align`.
    """
    return FileRef(path, origin=Origin(str(path)), decode=_decode_face, part=part)


def labels_item(path: Path, schema: str | None = None, part: ArchivePart | None = None) -> Item[LabelMap]:
    """A label map's file, or `part` of an archive, as an item.

    `schema` names the order of its ids where the file does not. Raises UsageError.
    """
    file = FileRef(path, origin=Origin(str(path)), decode=partial(_decode_labels, schema=schema), part=part)
    if schema is None:
        return file
    schema_named(schema)
    return _Derived(file, schema)


def style_item(style: Style) -> Ref[Style]:
    """A style that is known as an item; its digest is that of the same style from the cache."""
    return Ref(style.digest(), Origin(style.kind), partial(_itself, style))


@dataclass(frozen=True, slots=True)
class CombinedStyle:
    """What `make` makes of two styles, as an item. `how` is a word for that and its settings: the digest holds them.

    `make` can be pickled, as what loads an item has to be.
    """

    first: Item[Style]
    second: Item[Style]
    how: tuple[str | float, ...]
    make: Callable[[Style, Style], Style]

    @property
    def origin(self) -> Origin:
        return self.second.origin

    def identify(self) -> Ref[Style]:
        first, second = self.first.identify(), self.second.identify()

        def digest() -> Digest:
            word, *settings = self.how
            told = [word, first.identify().digest, second.identify().digest, *settings]
            return sha256_bytes(json.dumps(told).encode())

        return Ref(digest(), self.origin, partial(_combined, self.make, first.load, second.load), digest)


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
    photos: Iterator[tuple[Item[Photo], None]] = ((photo_item(source.path, source.part), None) for source in sources)
    for result, _ in session.run(stage, photos):
        files = stage.codec.parts(result.files)
        session.execution.progress.more(len(files) - 1)
        for item, file in zip(flatten([result], stage.codec), files, strict=True):
            yield item, FoundFace(item, result, file)


def _itself(style: Style) -> Style:
    return style


def _combined(make: Callable[[Style, Style], Style], first: Callable[[], Style], second: Callable[[], Style]) -> Style:
    return make(first(), second())


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
