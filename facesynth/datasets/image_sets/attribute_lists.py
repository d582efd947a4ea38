"""Faces with attributes: CelebA's or CelebAMask-HQ's list of them beside a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError, UsageError
from facesynth.datasets.image_sets.choosing import chosen
from facesynth.datasets.image_sets.file_list import FileList, no_images
from facesynth.datasets.image_sets.files import FileImages
from facesynth.datasets.image_sets.sets import ImageSet, Part
from facesynth.datasets.image_sets.stem_index import StemIndex
from facesynth.datasets.image_sets.targets import Attributes
from facesynth.datasets.layouts.celeba_lists import (
    ATTRIBUTES,
    PARTITION,
    find_list,
    partition_rows,
    read_attribute_bits,
)
from facesynth.datasets.manifest import SIDES

_LISTS = (ATTRIBUTES, "CelebAMask-HQ-attribute-anno")
_PLACES = ("img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba", "CelebA-HQ-img", "images")
_TOGETHER = 4096
"""Rows that are looked up at once."""

T = TypeVar("T")


def find_attribute_list(folder: Path) -> Path | None:
    """The list of attributes in a folder, its Anno/ or its Eval/."""
    return next((path for name in _LISTS if (path := find_list(folder, name)) is not None), None)


def open_attributes(folder: Path, part: Part) -> ImageSet:
    """Open the faces beside a list of attributes; the list may name more of them than are there.

    They are divided where CelebA's list_eval_partition is there too: the test part is its test side, or its validation
    side where that has no images here. UsageError without list, images or part; ConfigError for a damaged list;
    InputError for two images of one name, and for images that a list does not name.
    """
    path = find_attribute_list(folder)
    if path is None:
        raise UsageError(f"no {_LISTS[0]}.txt and no {_LISTS[1]}.txt in it", where=folder, hint="put one there")
    top = next((folder / place for place in _PLACES if (folder / place).is_dir()), folder)
    files = FileList(top)
    if not files.add_below(top):
        raise no_images(top)
    index = StemIndex(files)
    names, rows = read_attribute_bits(path)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two attributes are named {twice}", where=path, hint=f"get {path.name} again")
    bits = np.zeros((len(files), -(-len(names) // 8)), np.uint8)
    for found, values in _each(rows, index, path):
        data = b"".join(value.to_bytes(bits.shape[1], "little") for value in values)
        bits[found] = np.frombuffer(data, np.uint8).reshape(len(values), -1)
    images = FileImages(files, names, Attributes(bits, len(names)))
    return _side(images, index, find_list(folder, PARTITION), part, folder)


def _side(images: ImageSet, index: StemIndex, partition: Path | None, part: Part, folder: Path) -> ImageSet:
    """The images on a part's side of CelebA's division, or all where there is none."""
    if partition is None:
        if part == "test":
            what = f"there is no test part: {PARTITION}.txt is not there"
            raise UsageError(what, where=folder, hint="put it beside the list of attributes")
        return images
    side_of = np.zeros(len(images), np.uint8)
    for found, told in _each(partition_rows(partition), index, partition):
        side_of[found] = [SIDES.index(side) for side in told]
    for side in ("train",) if part == "train" else ("test", "validation"):
        indices = np.flatnonzero(side_of == SIDES.index(side))
        if len(indices):
            return chosen(images, indices)
    raise UsageError(f"none of the images is in the {part} part of {partition.name}", where=folder)


def _each(rows: Iterator[tuple[str, T]], index: StemIndex, path: Path) -> Iterator[tuple[NDArray[np.int64], list[T]]]:
    """Yield the indices of the images that the rows name with what they tell of them, many at a time.

    InputError where a row comes twice, or an image has none.
    """
    seen = np.zeros(len(index), bool)
    while group := list(islice(rows, _TOGETHER)):
        at = index.find([file.rpartition(".")[0] for file, _ in group])
        here = np.flatnonzero(at >= 0)
        found, told = at[here], [group[position][1] for position in here]
        repeats = np.flatnonzero(seen[found])
        if len(repeats) or len(np.unique(found)) != len(found):
            raise InputError("it names an image twice", where=path, hint=f"get {path.name} again")
        seen[found] = True
        yield found, told
    if not seen.all():
        first = index.files.path(int(np.argmin(seen)))
        what = f"{int((~seen).sum())} images have no row in {path.name}, the first is {first.name}"
        raise InputError(what, where=first.parent, hint="remove them, or get the whole list")
