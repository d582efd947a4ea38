"""How the images in a folder lie, where nobody says it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.datasets.image_sets.attribute_lists import find_attribute_list
from facesynth.datasets.image_sets.cifar import cifar_layouts_in
from facesynth.datasets.image_sets.parts import PART_NAMES, holds_images, level, parts_of
from facesynth.datasets.image_sets.sets import Layout

_PAIRED = frozenset({"labels", "masks", "label_maps", "annotations"})
_NUMBERED = 1000
"""FFHQ's folders are named after the first of their thousand images: 00000, 01000, …"""


def find_layout(folder: Path) -> Layout:
    """The layout of a folder. UsageError where there is more than one answer, with the settings to choose from."""
    found = cifar_layouts_in(folder)
    if len(found) > 1:
        raise _ambiguous(folder, "files of CIFAR-10 and of CIFAR-100 lie in it", ("cifar-10", "cifar-100"))
    if found:
        return "cifar-10" if found[0] == "cifar-10" else "cifar-100"
    return "attributes" if find_attribute_list(folder) is not None else _folder_or_classes(folder)


def _folder_or_classes(folder: Path) -> Layout:
    top = parts_of(folder).train
    here = level(top)
    filled = [place for place in here.folders if holds_images(place)]
    if not filled:
        return "folder"
    named = {place.name.casefold(): place for place in filled}
    names = named.keys()
    if here.images:
        what = f"images lie in it, and in folders in it as well ({filled[0].name}/)"
    elif "images" in names and names & _PAIRED:
        hint = f"for the images alone give {named['images']}"
        raise UsageError("it holds images and label maps, and label maps are not to be learned", where=top, hint=hint)
    elif "train" in names and level(named["train"]).folders:
        others = ", ".join(f"{name}/" for name in sorted(names - PART_NAMES)[:3])
        hint = f"move {others} away, or give {named['train']}"
        raise UsageError(f"there are images beside train/ that belong to no part: {others}", where=top, hint=hint)
    elif len(filled) == 1:
        if len(here.folders) == 1 and not level(filled[0]).folders:
            return "folder"
        what = f"of its folders one holds images ({filled[0].name}/)"
    elif names <= PART_NAMES:
        what = f"its folders are called {' and '.join(place.name for place in filled)}, and none train"
    elif all(_is_numbered(name) for name in names):
        return "folder"
    elif all(_is_class(place) for place in filled):
        return "classes"
    else:
        what = f"its folders hold folders of images ({next(place for place in filled if not _is_class(place)).name}/)"
    raise _ambiguous(top, what, ("classes", "folder"))


def _is_class(folder: Path) -> bool:
    """Whether the images of a folder lie in it, or in one folder of it, as in tiny-ImageNet's n01443537/images/."""
    here = level(folder)
    return not here.folders or (len(here.folders) == 1 and not here.images and not level(here.folders[0]).folders)


def _is_numbered(name: str) -> bool:
    return len(name) == 5 and name.isascii() and name.isdigit() and int(name) % _NUMBERED == 0


def _ambiguous(folder: Path, what: str, layouts: Sequence[Layout]) -> UsageError:
    meanings = {"classes": "a folder a class", "folder": "no classes"}
    choices = [f"--set data.layout={one}" + (f" ({meanings[one]})" if one in meanings else "") for one in layouts]
    return UsageError(f"its layout can be read in two ways: {what}", where=folder, hint="say " + " or ".join(choices))
