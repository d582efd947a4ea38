"""Faces without label maps that a run may learn from: all of some folders, but for those that it is judged on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import ConfigError, InputError, UsageError
from facesynth.core.files import read_file, replacing
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.folders import images_below
from facesynth.datasets.inspection.looks import Look, look_of
from facesynth.datasets.manifest import IMPORT_AGAIN, Manifest, manifest_at
from facesynth.datasets.pairs import Pair
from facesynth.training.copies import copies_among

_NO_LABELS = "no labels"


@dataclass(frozen=True, slots=True)
class UnlabelledFace(Pair):
    """The file of a face, as a pair whose label map is background all over: it is packed as pairs are."""

    def read(self) -> tuple[Photo, LabelMap]:
        """Read the square face; InputError by path."""
        data = read_file(self.image)
        if self.image_sha256 is not None and sha256_bytes(data) != self.image_sha256:
            raise InputError("has changed since its dataset was imported", where=self.image, hint=IMPORT_AGAIN)
        photo = decode_photo(data, str(self.image))
        if photo.width != photo.height:
            what = f"training faces are square, this one is {photo.width}×{photo.height}"
            raise InputError(what, where=self.image, hint="run: facesynth align PHOTOS... -o DIR")
        return photo, LabelMap(np.zeros((8, 8), dtype=np.uint8))


@dataclass(frozen=True, slots=True)
class UnlabelledFaces:
    """The faces of several sources, found anew each time they are gone through: folders of faces, or manifests.

    Of a folder with `images/` and `labels/` the images alone. UsageError for a source that is not there; `setting` is
    what names them all.
    """

    sources: tuple[Path, ...]
    setting: str

    def __iter__(self) -> Iterator[Pair]:
        return chain.from_iterable(self._of(source, number) for number, source in enumerate(self.sources))

    def _of(self, source: Path, number: int) -> Iterator[Pair]:
        if not source.exists():
            raise UsageError("no such folder or manifest", where=source, hint=f"check {self.setting}")
        pairs = (source / "images").is_dir() and (source / "labels").is_dir()
        manifest = None if pairs else manifest_at(source)
        found: Iterable[tuple[str, Path, str | None]]
        if manifest is None:
            found = ((name, path, None) for name, path in images_below(source / "images" if pairs else source))
        else:
            found = ((face.name, face.image, face.sha256) for face in Manifest.open(manifest))
        for name, image, sha256 in found:
            yield UnlabelledFace(f"{number}/{name}", image, image, None, sha256, _NO_LABELS)


def allowed_faces(
    images: NDArray[np.uint8], held_out: Iterable[Pair], path: Path, digest: str, setting: str
) -> NDArray[np.int64]:
    """The indices of packed faces N×S×S×3 that are none of the held-out ones, nor copies of them or mirror images.

    Copies are told by their looks, as `dataset inspect` does; those of the same bytes by what was packed. Which were
    left out is kept in the JSON file `path`, and taken from there for the same `digest` of both and the same size.
    ConfigError where none are left, which says that `setting` names them.
    """
    key = f"{digest}-{images.shape}"
    left_out = _kept(path, key)
    if left_out is None:
        left_out = _copies(images, (pair.read()[0] for pair in held_out))
        with replacing(path) as draft:
            draft.write_text(json.dumps({"key": key, "faces": len(images), "held_out": left_out}) + "\n")
    allowed = np.setdiff1d(np.arange(len(images), dtype=np.int64), np.array(left_out, dtype=np.int64))
    if not len(allowed):
        what = (
            "all unlabelled faces are held out, and may not train" if len(images) else "no unlabelled faces are there"
        )
        raise ConfigError(what, where=setting, hint=f"add others: --set {setting}=[DIR]")
    return allowed


def _kept(path: Path, key: str) -> list[int] | None:
    try:
        kept = json.loads(path.read_text())
        return [int(index) for index in kept["held_out"]] if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _copies(images: NDArray[np.uint8], held_out: Iterable[Photo]) -> list[int]:
    """The indices of packed faces that are held out, in order."""
    size = images.shape[1]
    digests: dict[bytes, list[int]] = {}
    for index, pixels in enumerate(images):
        digests.setdefault(hashlib.sha256(pixels.tobytes()).digest(), []).append(index)
    same: set[int] = set()

    def looks() -> Iterator[Look | None]:
        for photo in held_out:
            photo = photo.resized(size, size)
            same.update(digests.get(hashlib.sha256(photo.pixels.tobytes()).digest(), ()))
            yield look_of(photo)

    alike = copies_among((look_of(Photo(np.asarray(pixels))) for pixels in images), looks())
    return sorted(same | alike)
