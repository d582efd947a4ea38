"""FFHQ as published (Karras et al. 2019, arXiv:1812.04948): 70,000 faces as crops, thumbnails, or in their photos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from facesynth.core.errors import ImageError, InputError, UsageError
from facesynth.core.faces import Landmarks
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo, encode_png, load_image, write_png
from facesynth.core.images import Photo
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.layouts.checked import is_there
from facesynth.datasets.layouts.ffhq_json import JSON_NAME, FaceFile, Points, check_ends, count_rows, read_rows
from facesynth.datasets.layouts.numbered import NumberedImages
from facesynth.datasets.manifest import Description, Sample
from facesynth.datasets.splitting import divide, drawn
from facesynth.inference.frames import ffhq_frame
from facesynth.inference.warp import warp

FACES = 70_000
TRAINED = 60_000
"""The published split: the first are for training, the others for validation."""
PAPER_SAMPLE = 10_000
PAPER_FRACTIONS = (0.8, 0.2)
_DIGITS = 5
_CROP = 1024
_MADE = "faces"


@dataclass(frozen=True, slots=True)
class _Source:
    """One of the forms that FFHQ comes in: its folder, and what the JSON calls it."""

    folder: str
    key: str


_SOURCES: Mapping[str, _Source] = MappingProxyType(
    {
        "images": _Source("images1024x1024", "image"),
        "in-the-wild": _Source("in-the-wild-images", "in_the_wild"),
        "thumbnails": _Source("thumbnails128x128", "thumbnail"),
    }
)
SOURCES = tuple(_SOURCES)
"""The forms by name, in the order in which they are preferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FfhqEntry(Entry):
    """`fault` says why the entry cannot be used; `size` is that of the photo that the landmarks lie in."""

    fault: str | None = None
    size: tuple[int, int] | None = None


class FfhqLayout:
    """FFHQ in a folder as its authors publish it, or as mirrors do, without the sub-folders of a thousand each.

    The crops at 1024 are taken where they are there, else the photos, of which the crops are made anew, else the
    thumbnails. Splits: `published` (60,000 and 10,000), and `paper`: 10,000 faces by `seed`, 80 % of them for training.
    """

    def __init__(self, folder: Path, *, size: int | None = None, seed: int = 0, source: str | None = None) -> None:
        """Find the parts. `size` is that of faces that are made from the photos (1024), `source` one of SOURCES.

        UsageError names what is missing, or says that no faces are made that could be of that size; ConfigError a JSON
        that is damaged.
        """
        if source is not None and source not in _SOURCES:
            raise UsageError(f"unknown part {source!r}", hint=f"use one of: {', '.join(SOURCES)}")
        if size is not None and not 16 <= size <= 4096:
            raise UsageError(f"size {size} is not in 16..4096")
        if not folder.is_dir():
            raise UsageError("no such folder", where=folder)
        json_path = folder / JSON_NAME
        self._json = json_path if json_path.is_file() else None
        self.source, self._images, self._unused = _find(folder, source, self._json is not None)
        if self._json is not None:
            check_ends(self._json, needed=self.source == "in-the-wild")
        if size is not None and self.source != "in-the-wild":
            what = f"size {size} is for faces that are made from the photos, but the {self.source} are taken"
            raise UsageError(
                what, where=folder, hint="they stay as they are: leave the size out, or --source in-the-wild"
            )
        self._size = size or _CROP
        self._paper = _paper_sides(seed)
        self._rows: int | None = None

    version: ClassVar[int] = 1

    @property
    def folders(self) -> tuple[str, ...]:
        """Where faces are written that are cut out of the photos."""
        return (_MADE,) if self.source == "in-the-wild" else ()

    @property
    def settings(self) -> str:
        """What decides what is written."""
        return f"{self.source} at {self._size}" if self.folders else ""

    @property
    def about(self) -> Description:
        return Description(name="ffhq")

    def __len__(self) -> int:
        if self._rows is None:
            self._rows = 0 if self._json is None else count_rows(self._json)
        return max(len(self._images), self._rows)

    def entries(self) -> Iterator[Entry]:
        """Yield the faces of the JSON in its order, there or not, then those that lie here besides; by number."""
        told = bytearray(10**_DIGITS)
        if self._json is not None:
            for row in read_rows(self._json, needed=self.source == "in-the-wild"):
                told[row.number] = True
                file = getattr(row, _SOURCES[self.source].key)
                marked = row.in_the_wild if self.source == "in-the-wild" else row.image
                yield self._entry(row.number, row.side, file.md5, marked if file.fault is None else file)
        for number in self._images:
            if not told[number]:
                yield self._entry(number, "train" if number < TRAINED else "validation", None, FaceFile(None, ()))

    def make(self, entry: Entry, output: Path) -> Made:
        """Check the face's file; of a photo, cut the face out and write it to `output`/faces."""
        path = entry.files[0]
        if isinstance(entry, _FfhqEntry) and entry.fault is not None:
            raise InputError(entry.fault, where=path)
        if not is_there(path):
            raise InputError("no image", where=path)
        data = read_file(path)
        if self.source == "in-the-wild":
            return self._cut_out(entry, data, output)
        width, height = load_image(data, str(path)).size
        _check_md5(entry, data)
        if width != height:
            raise InputError(f"FFHQ's faces are square, this image is {width}×{height}", where=path)
        return Made(sample=_sample(entry, path, data, _scaled(entry.landmarks, width)))

    def notes(self) -> Sequence[str]:
        """What is missing of the whole."""
        images = self._images
        notes = [f"the {self.source} are taken: {fault}" for fault in self._unused]
        if missing := sum(number not in images for number in range(FACES)):
            notes.append(f"{missing} of {FACES} faces are not in {images.folder.name}")
        absent = [group for group in map(images.group, range(0, FACES, 1000)) if group not in images.groups]
        if images.grouped and absent:
            more = ", …" if len(absent) > 5 else ""
            notes.append(f"{len(absent)} of 70 sub-folders are not there: {', '.join(absent[:5])}{more}")
        if images.others:
            notes.append(f"{images.others} images with other names or in other sub-folders are left out")
        if self._json is None:
            notes.append(f"no {JSON_NAME}: no landmarks, files are not checked by md5, the published split by number")
        return notes

    def _entry(self, number: int, side: str, md5: str | None, marked: FaceFile) -> Entry:
        split = {"published": side}
        if paper := self._paper.get(number):
            split["paper"] = paper
        name, files = self._images.name(number), (self._images.path(number),)
        return _FfhqEntry(
            name=name,
            files=files,
            split=split,
            landmarks=marked.landmarks,
            md5=md5,
            fault=marked.fault,
            size=marked.size,
        )

    def _cut_out(self, entry: Entry, data: bytes, output: Path) -> Made:
        path = entry.files[0]
        if not entry.landmarks:
            raise InputError(f"{JSON_NAME} has no landmarks for it", where=path)
        # The landmarks are in the pixels as stored: FFHQ's authors opened its photos without a look at their EXIF.
        photo = decode_photo(data, str(path), upright=False)
        _check_md5(entry, data)
        if isinstance(entry, _FfhqEntry) and entry.size is not None and entry.size != photo.size:
            (width, height), (across, down) = entry.size, photo.size
            what = f"its landmarks in {JSON_NAME} are those of a photo of {width}×{height}, this one is {across}×{down}"
            raise InputError(what, where=path, hint="download it again")
        try:
            landmarks = Landmarks(np.array(entry.landmarks, dtype=np.float64))
            outside = _outside(landmarks, photo)
            if outside > len(entry.landmarks) // 2:
                raise InputError(f"{outside} of its {len(entry.landmarks)} landmarks lie outside of the photo")
            crop, to_source = warp(photo, ffhq_frame(landmarks), self._size)
        except InputError as error:
            raise InputError(error.what, where=path, hint=error.hint) from error
        group = self._images.group(int(entry.name))
        target = output / _MADE / group / f"{entry.name}.png"
        face = encode_png(crop)
        write_png(face, target)
        points = np.round(landmarks.moved(to_source.inverse()).points, 2).tolist()
        odd = ("some of its landmarks lie outside of the photo",) if outside else ()
        return Made(
            sample=_sample(entry, target, face, tuple((x, y) for x, y in points)), written=(target,), warnings=odd
        )


def _find(folder: Path, source: str | None, has_json: bool) -> tuple[str, NumberedImages, Sequence[str]]:
    """The first of the forms that is there with all it needs, and what those before it that are there lack."""
    missing, lacking = [], []
    for name in (source,) if source else SOURCES:
        place = folder / _SOURCES[name].folder
        if not place.is_dir():
            missing.append(f"{place.name}/ is not there")
            continue
        if name == "in-the-wild" and not has_json:
            lacking.append(f"{JSON_NAME} with the landmarks for {place.name}/ is not there")
            continue
        images = NumberedImages(place, _DIGITS, grouped=True, suffix=".png")
        if len(images):
            return name, images, lacking
        lacking.append(f"no images like {images.group(0)}/{images.name(0)}.png in {place.name}/")
    inside = folder.name in {part.folder for part in _SOURCES.values()}
    raise UsageError(
        f"not FFHQ as published: {'; '.join(missing + lacking)}",
        where=folder,
        hint="give the folder that it lies in" if inside else "give the folder that holds one of them",
    )


def _paper_sides(seed: int) -> Mapping[int, str]:
    """The sides of the sample: as `dataset split --sample 10000 --fractions 0.8,0.2` draws them from all of FFHQ."""
    names = drawn((f"{number:0{_DIGITS}}" for number in range(FACES)), PAPER_SAMPLE, seed)
    split = divide(((name, name) for name in names), PAPER_FRACTIONS, seed)
    return {int(name): side for side in ("train", "validation") for name in split.names(side)}


def _outside(landmarks: Landmarks, photo: Photo) -> int:
    """How many of the landmarks lie outside of the photo."""
    points = landmarks.points
    return int(((points < -0.5) | (points > np.array(photo.size) - 0.5)).any(axis=1).sum())


def _check_md5(entry: Entry, data: bytes) -> None:
    if entry.md5 is not None and hashlib.md5(data, usedforsecurity=False).hexdigest() != entry.md5:
        raise ImageError(
            f"its md5 differs from that in {JSON_NAME}",
            where=entry.files[0],
            hint="download it again; if this is another edition of FFHQ, move the JSON away",
        )


def _sample(entry: Entry, image: Path, data: bytes, landmarks: Points) -> Sample:
    digest = sha256_bytes(data)
    return Sample(name=entry.name, image=image, sha256=digest, split=entry.split, landmarks=landmarks)


def _scaled(landmarks: Points, size: int) -> Points:
    """From the pixels of the crop at 1024 to those of the same crop at another size."""
    if size == _CROP:
        return landmarks
    factor = size / _CROP
    return tuple((round((x + 0.5) * factor - 0.5, 2), round((y + 0.5) * factor - 0.5, 2)) for x, y in landmarks)
