"""CelebA as published (Liu et al. 2015, arXiv:1411.7766): 202,599 aligned faces with what its lists say of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import ConfigError, UsageError
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.layouts import celeba_lists as lists
from facesynth.datasets.layouts.checked import check_image
from facesynth.datasets.layouts.numbered import NumberedImages
from facesynth.datasets.manifest import SIDES, Description, Sample

IMAGES = "img_align_celeba"
DIVISION = "official"
_PLACES = (f"{IMAGES}/{IMAGES}", IMAGES, f"Img/{IMAGES}", f"{IMAGES}_png", f"Img/{IMAGES}_png")
_DIGITS = 6
_MAX_ATTRIBUTES = 64

T = TypeVar("T")

_LOST: Mapping[str, str] = MappingProxyType(
    {
        lists.PARTITION: f"they are on no side of {DIVISION}",
        lists.IDENTITIES: "they get no identity",
        lists.ATTRIBUTES: "they get no attributes, as if none held",
        lists.LANDMARKS: "they get no landmarks",
    }
)
"""What a face misses that a list does not name."""

_ROW = np.dtype(
    [
        ("listed", "?"),
        ("side", "u1"),  # 0: unknown, else 1 + the index in SIDES
        ("identity", "u4"),  # 0: unknown, else 1 + the index in the list of identities
        ("judged", "?"),  # whether the list of attributes names it
        ("attributes", "u8"),  # a bit each
        ("landmarks", "f4", (10,)),  # x, y of each point; not a number where unknown
    ]
)


class CelebaLayout:
    """CelebA's aligned and cropped faces in a folder as its authors publish it, or as Kaggle does.

    The lists lie in the folder, in its Anno/ or its Eval/, as .txt or .csv; what is missing is a note. Faces are those
    that a list names and those that lie here. What the lists say is held as 55 bytes a face.
    """

    def __init__(self, folder: Path) -> None:
        """Find the images and read the lists. UsageError without images, ConfigError for a damaged list."""
        if not folder.is_dir():
            raise UsageError("no such folder", where=folder)
        self._images = _find(folder)
        self._rows: NDArray[Any] = _blank(1)
        self._unknown = _blank(1)[0]
        self._identities: list[str] = []
        self._attributes: tuple[str, ...] = ()
        self._notes: list[str] = []
        self._read: set[str] = set()
        self._read_lists(folder)

    @property
    def about(self) -> Description:
        return Description(name="celeba", attributes=self._attributes)

    def __len__(self) -> int:
        return sum(1 for _ in self._numbers())

    def entries(self) -> Iterator[Entry]:
        """Yield the faces by number."""
        for number in self._numbers():
            row = self._row(number)
            side, identity, points = int(row["side"]), int(row["identity"]), row["landmarks"].tolist()
            yield Entry(
                name=self._images.name(number),
                files=(self._images.path(number),),
                identity=self._identities[identity - 1] if identity else None,
                attributes=lists.held(self._attributes, int(row["attributes"])),
                split={DIVISION: SIDES[side - 1]} if side else {},
                landmarks=() if np.isnan(points[0]) else tuple(zip(points[::2], points[1::2], strict=True)),
            )

    def make(self, entry: Entry, output: Path) -> Made:
        """Check the face's file; nothing is written."""
        path = entry.files[0]
        digest, _ = check_image(path)
        sample = Sample(
            name=entry.name,
            image=path,
            sha256=digest,
            identity=entry.identity,
            attributes=entry.attributes,
            split=entry.split,
            landmarks=entry.landmarks,
        )
        return Made(sample=sample)

    def notes(self) -> Sequence[str]:
        """The lists that are missing, and the images that do not fit."""
        notes = list(self._notes)
        if missing := sum(number not in self._images for number in self._numbers()):
            notes.append(f"{missing} images that the lists name are not in {self._images.folder.name}")
        notes += self._untold()
        if self._images.others:
            notes.append(f"{self._images.others} images with other names are left out")
        return notes

    def _untold(self) -> Iterator[str]:
        """What each list that is there leaves out, as a list that is cut short between two rows does."""
        numbers = np.fromiter(self._numbers(), dtype=np.intp)
        rows = self._rows[numbers[numbers < len(self._rows)]]
        known = {
            lists.PARTITION: rows["side"] > 0,
            lists.IDENTITIES: rows["identity"] > 0,
            lists.ATTRIBUTES: rows["judged"],
            lists.LANDMARKS: ~np.isnan(rows["landmarks"][:, 0]),
        }
        for name, lost in _LOST.items():
            if name in self._read and (count := len(numbers) - int(known[name].sum())):
                yield f"{count} faces are not in {name}: {lost}"

    def _numbers(self) -> Iterator[int]:
        """The faces that are listed or lie here, rising."""
        listed = self._rows["listed"]
        for number in range(10**_DIGITS):
            if (number < len(listed) and listed[number]) or number in self._images:
                yield number

    def _row(self, number: int) -> Any:
        """What the lists say of a face."""
        return self._rows[number] if number < len(self._rows) else self._unknown

    def _read_lists(self, folder: Path) -> None:
        if path := self._list(folder, lists.PARTITION, f"no {DIVISION} split"):
            for row, side in self._each(lists.partition_rows(path), path):
                row["side"] = SIDES.index(side) + 1
        if path := self._list(folder, lists.IDENTITIES, "no identities"):
            known: dict[str, int] = {}
            for row, identity in self._each(lists.identity_rows(path), path):
                row["identity"] = known.setdefault(identity, len(known) + 1)
            self._identities = list(known)
        if path := self._list(folder, lists.ATTRIBUTES, "no attributes"):
            self._attributes, rows = lists.read_attribute_bits(path)
            if len(self._attributes) > _MAX_ATTRIBUTES:
                raise ConfigError(f"{len(self._attributes)} attributes are more than {_MAX_ATTRIBUTES}", where=path)
            for row, bits in self._each(rows, path):
                row["judged"], row["attributes"] = True, bits
        if path := self._list(folder, lists.LANDMARKS, "no landmarks"):
            for row, points in self._each(lists.read_landmarks(path), path):
                row["landmarks"] = [value for point in points for value in point]

    def _list(self, folder: Path, name: str, lost: str) -> Path | None:
        path = lists.find_list(folder, name)
        if path is None:
            self._notes.append(f"{name}.txt is not there: {lost}")
        else:
            self._read.add(name)
        return path

    def _each(self, told: Iterable[tuple[str, T]], path: Path) -> Iterator[tuple[Any, T]]:
        """The row of each file, to be filled in."""
        seen = bytearray(10**_DIGITS)
        for file, value in told:
            stem = os.path.splitext(file)[0]
            if len(stem) != _DIGITS or not (stem.isascii() and stem.isdigit()):
                raise ConfigError(f"{file[:40]!r} is no image of CelebA, such as 000001.jpg", where=path)
            number = int(stem)
            if number >= len(self._rows):
                more = max(number + 1, 2 * len(self._rows)) - len(self._rows)
                self._rows = np.concatenate([self._rows, _blank(more)])
            self._rows[number]["listed"] = True
            if seen[number]:
                raise ConfigError(f"{file} comes twice", where=path, hint=f"get {path.name} again")
            seen[number] = 1
            yield self._rows[number], value


def _blank(count: int) -> NDArray[Any]:
    rows = np.zeros(count, dtype=_ROW)
    rows["landmarks"] = np.nan
    return rows


def _find(folder: Path) -> NumberedImages:
    for place in _PLACES:
        if (folder / place).is_dir():
            images = NumberedImages(folder / place, _DIGITS, grouped=False, suffix=".jpg")
            if len(images):
                return images
    inside = folder.name == IMAGES
    raise UsageError(
        f"not CelebA as published: no images like 000001.jpg in {', '.join(_PLACES[:3])}",
        where=folder,
        hint="give the folder that it lies in" if inside else f"unpack {IMAGES}.zip there",
    )
