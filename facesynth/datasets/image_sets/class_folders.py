"""Sets with a folder a class: DIR/CLASS/…, DIR/train/CLASS/… with DIR/test or DIR/val, and tiny-ImageNet's layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from facesynth.core.errors import InputError, UsageError
from facesynth.datasets.image_sets.file_list import FileList, no_images
from facesynth.datasets.image_sets.files import FileImages
from facesynth.datasets.image_sets.parts import ANNOTATIONS, level, parts_of
from facesynth.datasets.image_sets.sets import Part
from facesynth.datasets.image_sets.targets import ClassIds

_MOST_NAMED = 3


def open_class_folders(folder: Path, part: Part) -> FileImages:
    """Open a part of a set whose classes are folders, ids in the order of their names.

    The test part's classes are those of the training part. UsageError where images lie outside of the classes'
    folders; InputError names classes that nothing can be learned of, as they hold no or one image.
    """
    parts = parts_of(folder)
    top = parts.folder(part, folder)
    classes = _classes(parts.train)
    id_of = {name: number for number, name in enumerate(classes)}
    annotations = top / ANNOTATIONS
    if part == "test" and annotations.is_file():
        return _annotated(top, annotations, id_of)
    files, counts = FileList(top), []
    for name in classes if part == "train" else _known(_classes(top), id_of, top):
        counts.append((name, files.add_below(top / name)))
    if not len(files):
        raise no_images(top)
    if part == "train":
        _refuse_small(top, counts)
    ids = np.repeat(np.asarray([id_of[name] for name, _ in counts], np.int32), [count for _, count in counts])
    return FileImages(files, classes, ClassIds(ids))


def _classes(top: Path) -> tuple[str, ...]:
    """The folders of a part by name."""
    here = level(top)
    if here.images or not here.folders:
        what = "images lie in it directly, and not in a folder a class" if here.images else "there are no folders in it"
        raise UsageError(what, where=top, hint="move them; without classes: --set data.layout=folder")
    return tuple(place.name for place in here.folders)


def _known(names: Iterable[str], classes: Mapping[str, int], top: Path) -> Iterator[str]:
    for name in names:
        if name not in classes:
            what = "this class is not among those of the training part"
            raise UsageError(what, where=top / name, hint="remove it, or add it to the training part")
        yield name


def _refuse_small(top: Path, counts: Sequence[tuple[str, int]]) -> None:
    """InputError for classes of no or one image: a generator can but repeat a single one."""
    for few, what in ((0, "holds no image"), (1, "holds one image, of which nothing can be learned")):
        small = [name for name, count in counts if count == few]
        if small:
            others = ", ".join(small[1:_MOST_NAMED]) + (", …" if len(small) > _MOST_NAMED else "")
            also = f", and so do {len(small) - 1} more ({others})" if len(small) > 1 else ""
            hint = "remove the folder or put more images into it"
            raise InputError(f"this class {what}{also}", where=top / small[0], hint=hint)


def _annotated(top: Path, annotations: Path, id_of: Mapping[str, int]) -> FileImages:
    """The images below `top`, whose classes a file tells in rows of image and class."""
    told: dict[str, int] = {}
    for number, line in enumerate(_lines(annotations), start=1):
        fields = line.split()
        if len(fields) < 2 or fields[1] not in id_of:
            what = f"line {number}: a row is an image and a class of the training part, this one {line[:40]!r}"
            raise InputError(what, where=annotations, hint="get it again")
        told[fields[0].rpartition(".")[0]] = id_of[fields[1]]
    files = FileList(top)
    if not files.add_below(top):
        raise no_images(top)
    ids = [told.get(files.stem(index), -1) for index in range(len(files))]
    if missing := ids.count(-1):
        first = files.path(ids.index(-1)).name
        what = f"{missing} images below {top.name}/ have no row in it, the first is {first}"
        raise InputError(what, where=annotations, hint="get it again, or remove these images")
    return FileImages(files, tuple(id_of), ClassIds(np.asarray(ids, np.int32)))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or 'no text'})"
        raise InputError(what, where=path, hint="get it again") from error
    return [line for line in text.splitlines() if line.strip()]
