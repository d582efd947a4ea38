"""From a folder to a set of images."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from facesynth.core.errors import UsageError
from facesynth.datasets.image_sets.attribute_lists import open_attributes
from facesynth.datasets.image_sets.cifar import open_cifar
from facesynth.datasets.image_sets.class_folders import open_class_folders
from facesynth.datasets.image_sets.detection import find_layout
from facesynth.datasets.image_sets.plain_folders import open_plain_folder
from facesynth.datasets.image_sets.sets import ImageSet, Layout, Part


def open_image_set(folder: Path, layout: Layout = "auto", *, part: Part = "train") -> ImageSet:
    """Open a part of the images in `folder`; `auto` finds out how they lie.

    folder: all images below it are of no class. classes: a folder a class. Both may lie in train/ and test/ (or val/),
    else all is the training part. attributes: images beside CelebA's or CelebAMask-HQ's list. cifar-10, cifar-100: the
    published binary versions. Names are read, pixels are not. UsageError where the folder does not fit, or can be read
    in two ways; InputError and ConfigError name files that are damaged.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"there is no layout {layout!r}", hint=f"choose from {', '.join(get_args(Layout))}")
    if part not in get_args(Part):
        raise UsageError(f"there is no part {part!r}", hint=f"choose from {', '.join(get_args(Part))}")
    if not folder.is_dir():
        if folder.is_file():
            raise UsageError("a file, and a folder is wanted", where=folder, hint="unpack an archive first")
        raise UsageError("no such folder", where=folder)
    layout = find_layout(folder) if layout == "auto" else layout
    match layout:
        case "cifar-10" | "cifar-100":
            return open_cifar(folder, layout, part)
        case "attributes":
            return open_attributes(folder, part)
        case "classes":
            return open_class_folders(folder, part)
        case _:
            return open_plain_folder(folder, part)
