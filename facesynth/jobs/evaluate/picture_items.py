"""What pictures are scored as: the same items under other types and sizes, known by digests that say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from facesynth.core.errors import InputError
from facesynth.core.faces import Face
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, FileRef, Item, Origin, Ref, sha256_bytes
from facesynth.datasets.manifest import IMPORT_AGAIN
from facesynth.datasets.pairs import Pair
from facesynth.jobs.items import labels_item

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class FaceOfPair:
    """A pair's face as an item; its digest is that of the same file for `segment --aligned`, so their work is shared.

    A file whose bytes are not those that its dataset was made of raises InputError.
    """

    pair: Pair

    @property
    def origin(self) -> Origin:
        return Origin(str(self.pair.image))

    def identify(self) -> Ref[Face]:
        ref = FileRef(self.pair.image, self.origin, _square_face).identify()
        if self.pair.image_sha256 is not None and ref.digest != self.pair.image_sha256:
            raise changed(self.pair.image)
        return ref

    def known(self, digest: Digest) -> Ref[Face]:
        """The same where its digest is known: nothing is read to look it up. Loading it raises InputError where the
        file has other bytes by then."""

        def load() -> Face:
            data = read_file(self.pair.image)
            if sha256_bytes(data) != digest:
                raise changed_meanwhile(self.pair.image)
            return _square_face(data, str(self.pair.image))

        return Ref(digest, self.origin, load)


def _square_face(data: bytes, where: str) -> Face:
    photo = decode_photo(data, where)
    if photo.width != photo.height:
        what = f"a face that is scored is square, this image is {photo.width}×{photo.height}"
        raise InputError(what, where=where, hint="cut the image and its label map alike")
    return Face.from_aligned(photo)


@dataclass(frozen=True, slots=True)
class LabelsOfPair:
    """A pair's label map as an item; its digest is that of the same file for `synthesize`.

    A file whose bytes are not those that its dataset was made of raises InputError.
    """

    pair: Pair

    @property
    def origin(self) -> Origin:
        return Origin(str(self.pair.labels))

    def identify(self) -> Ref[LabelMap]:
        expected = self.pair.labels_sha256
        if expected is not None and sha256_bytes(read_file(self.pair.labels)) != expected:
            raise changed(self.pair.labels)
        return labels_item(self.pair.labels, self.pair.schema).identify()

    def known(self, digest: Digest) -> Ref[LabelMap]:
        """As FaceOfPair's."""

        def load() -> LabelMap:
            ref = labels_item(self.pair.labels, self.pair.schema).identify()
            if ref.digest != digest:
                raise changed_meanwhile(self.pair.labels)
            return ref.load()

        return Ref(digest, self.origin, load)


@dataclass(frozen=True, slots=True)
class Made(Generic[A, B]):
    """An item's value under another type; `how` (None: nothing is changed) is part of its digest."""

    item: Item[A]
    make: Callable[[A], B]
    how: str | None = None

    @property
    def origin(self) -> Origin:
        return self.item.origin

    def identify(self) -> Ref[B]:
        ref = self.item.identify()

        def digest() -> Digest:
            now = ref.identify().digest
            return now if self.how is None else sha256_bytes(json.dumps([now, self.how]).encode())

        return Ref(digest(), ref.origin, lambda: self.make(ref.load()), digest)


def changed(path: Path) -> InputError:
    """The error of a file whose bytes are not those that its dataset was made of."""
    return InputError("has changed since its dataset was imported", where=path, hint=IMPORT_AGAIN)


def changed_meanwhile(path: Path) -> InputError:
    """The error of a file whose bytes are not those that it was first read with."""
    return InputError("the file changed while it was being scored", where=path, hint="run again")


def as_face(picture: Item[Photo]) -> Item[Face]:
    """A square picture as the aligned face that it shows."""
    return Made(picture, Face.from_aligned)


def resized(picture: Item[Photo], size: tuple[int, int]) -> Item[Photo]:
    """A picture at another size (width, height), antialiased."""
    return Made(picture, partial(_resized, size=size), f"resized {size[0]}x{size[1]} lanczos")


def face_photo(face: Face) -> Photo:
    """The photo of a face."""
    return face.photo


def _resized(photo: Photo, *, size: tuple[int, int]) -> Photo:
    return photo.resized(*size)
