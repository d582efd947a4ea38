"""Folders that divide their images into a part to learn from and one to compare with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.scan import walk
from facesynth.datasets.image_sets.file_list import no_images, refuse_unlisted
from facesynth.datasets.image_sets.sets import Part

_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")
PART_NAMES = frozenset((*_TRAIN, *_TEST))


@dataclass(frozen=True, slots=True)
class Level:
    """What lies in a folder: whether there are images in it, and its sub-folders by name, not the hidden ones."""

    images: bool
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the images of both parts lie; without a folder for the one to compare with, `test` is None."""

    train: Path
    test: Path | None

    def folder(self, part: Part, asked: Path) -> Path:
        """The folder of a part. UsageError where `asked`, the folder that was given, has no such part."""
        if part == "train":
            return self.train
        if self.test is None:
            what = "there is no test part: all of its images are training data"
            raise UsageError(what, where=asked, hint="a divided folder holds train/ and test/ (or val/)")
        return self.test


def level(folder: Path) -> Level:
    """List a folder. UsageError where it cannot be listed."""
    images, folders = False, []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(entry.name)
                elif not images:
                    images = os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES
    except OSError as error:
        refuse_unlisted(folder, error)
    return Level(images, tuple(folder / name for name in sorted(folders)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def holds_images(folder: Path) -> bool:
    """Whether images lie in a folder or below it."""
    return any(files for _, files in walk(folder, refuse_unlisted))


def parts_of(folder: Path) -> Parts:
    """The parts of a folder; all of it is one to learn from unless its sub-folders with images are train/, Test/, ….

    UsageError where no images lie in it.
    """
    here = level(folder)
    below = {} if here.images else {place.name.casefold(): place for place in here.folders if holds_images(place)}
    if not here.images and not below:
        raise no_images(folder)
    train = next((below[name] for name in _TRAIN if name in below), None)
    if train is None or not below.keys() <= PART_NAMES:
        return Parts(folder, None)
    tests = [below[name] for name in _TEST if name in below]
    # tiny-ImageNet has a test/ without classes, and an annotated val/.
    tests.sort(key=lambda place: not (place / ANNOTATIONS).is_file())
    return Parts(train, tests[0] if tests else None)


ANNOTATIONS = "val_annotations.txt"
"""tiny-ImageNet's list of the classes of val/images."""
