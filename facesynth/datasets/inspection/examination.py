"""One face of a dataset looked at: are its files whole, do photo and label map fit, is left where it should be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import ImageError, InputError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap
from facesynth.datasets.fitting import fits, training_refuses
from facesynth.datasets.inspection.looks import Look, look_of
from facesynth.datasets.inspection.target import Row, Target
from facesynth.datasets.left_right import sides_swapped
from facesynth.datasets.manifest import IMPORT_AGAIN

FaultKind: TypeAlias = Literal[
    "unreadable",
    "wrong_labels",
    "no_image",
    "no_labels",
    "other_shape",
    "sides_swapped",
    "nothing_labelled",
    "changed",
    "left_out",
    "same_name",
]

FAULTS: Mapping[FaultKind, str] = MappingProxyType(
    {
        "unreadable": "unreadable files",
        "wrong_labels": "label maps with wrong values",
        "no_image": "label maps without an image",
        "no_labels": "images without a label map",
        "other_shape": "label maps of another shape than their image",
        "sides_swapped": "label maps with left and right swapped",
        "nothing_labelled": "label maps that are all background",
        "changed": "files that are not those the manifest names",
        "left_out": "faces that failed at import",
        "same_name": "files with the name of another",
    }
)
"""What is wrong with files, in words for a headline, the worst first."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file; `image` is the photo of a label map that does not fit it."""

    kind: FaultKind
    file: Path
    what: str
    image: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found out about a face. Sizes are (width, height); `frequencies` are pixels of each of the 19 labels.

    What could not be read, or is not there, is None.
    """

    size: tuple[int, int] | None = None
    digest: bytes | None = None
    look: Look | None = None
    label_size: tuple[int, int] | None = None
    frequencies: NDArray[np.int64] | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def is_pair(self) -> bool:
        """Whether photo and label map are both there and can be read."""
        return self.size is not None and self.label_size is not None


def examine(row: Row, target: Target, *, looks: bool) -> Facts:
    """Read and check the files of a face; nothing is raised for a bad one. `looks` says whether to make its look."""
    faults: list[Fault] = []
    photo, digest = _photo(row, faults)
    labels = _labels(row, target, faults)
    faults += _mismatches(row, target, photo, labels)
    return Facts(
        size=None if photo is None else photo.size,
        digest=digest,
        look=look_of(photo) if looks and photo is not None else None,
        label_size=None if labels is None else (labels.width, labels.height),
        frequencies=None if labels is None else labels.frequencies(),
        faults=tuple(faults),
    )


def _photo(row: Row, faults: list[Fault]) -> tuple[Photo | None, bytes | None]:
    if row.image is None:
        return None, None
    digest = None
    try:
        data = read_file(row.image)
        digest = hashlib.sha256(data).digest()
        if row.sha256 not in (None, digest.hex()):
            faults.append(_changed(row.image))
        return decode_photo(data, str(row.image)), digest
    except InputError as error:
        faults.append(Fault("unreadable", row.image, _told(error)))
        return None, digest


def _labels(row: Row, target: Target, faults: list[Fault]) -> LabelMap | None:
    if row.labels is None:
        return None
    try:
        data = read_file(row.labels)
        if row.labels_sha256 not in (None, hashlib.sha256(data).hexdigest()):
            faults.append(_changed(row.labels))
        return decode_label_map(data, str(row.labels), schema=target.schema)
    except InputError as error:
        kind: FaultKind = "unreadable" if isinstance(error, ImageError) else "wrong_labels"
        faults.append(Fault(kind, row.labels, _told(error)))
        return None


def _mismatches(row: Row, target: Target, photo: Photo | None, labels: LabelMap | None) -> Iterator[Fault]:
    if row.image is None and row.labels is not None:
        yield Fault("no_image", row.labels, "no image has its name")
    if row.labels is None and row.image is not None and target.kind == "pairs":
        yield Fault("no_labels", row.image, "no label map has its name")
    if labels is None or row.labels is None:
        return
    if photo is not None:
        size = labels.width, labels.height
        refused = training_refuses(photo.size, size)
        if not fits(photo.size, size) or (refused is not None and refused.part == "labels"):
            told = f"{labels.width}×{labels.height}, its image is {photo.width}×{photo.height}"
            yield Fault("other_shape", row.labels, told, row.image)
    if not labels.ids.any():
        yield Fault("nothing_labelled", row.labels, "every pixel is background")
    elif sides_swapped(labels):
        told = "the subject's left eye, brow or ear lies to the left of the right one; exchange l_ and r_ in it"
        yield Fault("sides_swapped", row.labels, told, row.image)


def _changed(file: Path) -> Fault:
    return Fault("changed", file, f"its bytes are not those that were imported; {IMPORT_AGAIN}")


def _told(error: InputError) -> str:
    return f"{error.what}; {error.hint}" if error.hint else error.what
