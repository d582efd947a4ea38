"""CIFAR-10 and CIFAR-100 as published (Krizhevsky 2009), in their binary versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError, UsageError
from facesynth.datasets.image_sets.records import RecordFile, RecordImages
from facesynth.datasets.image_sets.sets import Part
from facesynth.datasets.image_sets.targets import ClassIds

_SIDE = 32


@dataclass(frozen=True, slots=True)
class _Published:
    """How a version lies: a record is a byte for each of `limits`, of which the last is the class, and the pixels."""

    title: str
    folder: str
    files: Mapping[Part, tuple[str, ...]]
    names: str
    limits: tuple[int, ...]
    pickled: tuple[tuple[str, ...], ...]
    """Files that tell the Python version: all of one of these."""
    pickled_folder: str

    @property
    def archive(self) -> str:
        return f"{self.title}-binary.tar.gz"

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return len(self.limits) + 3 * _SIDE * _SIDE


_TEN = _Published(
    title="cifar-10",
    folder="cifar-10-batches-bin",
    files={"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)},
    names="batches.meta.txt",
    limits=(10,),
    pickled=(*((f"data_batch_{number}",) for number in range(1, 6)), ("test_batch",)),
    pickled_folder="cifar-10-batches-py",
)
_HUNDRED = _Published(
    title="cifar-100",
    folder="cifar-100-binary",
    files={"train": ("train.bin",), "test": ("test.bin",)},
    names="fine_label_names.txt",
    limits=(20, 100),  # the coarse class, then the fine one
    pickled=(("meta", "train"),),
    pickled_folder="cifar-100-python",
)

PUBLISHED: Mapping[str, _Published] = MappingProxyType({"cifar-10": _TEN, "cifar-100": _HUNDRED})


def cifar_layouts_in(folder: Path) -> list[str]:
    """The layouts of which files lie in a folder or in the sub-folder of their archive.

    UsageError where there is only the pickled version, or an archive that is not unpacked.
    """
    found = [name for name, published in PUBLISHED.items() if _place(folder, published) is not None]
    if not found:
        for published in PUBLISHED.values():
            _refuse_other_forms(folder, published)
    return found


def open_cifar(folder: Path, layout: str, part: Part) -> RecordImages:
    """Open a part of CIFAR; the bytes of its classes are all read and checked, its pixels are not.

    UsageError where it is not there or in another form; InputError names a file that is missing, cut short, or tells
    classes that there are not.
    """
    published = PUBLISHED[layout]
    place = _place(folder, published)
    if place is None:
        _refuse_other_forms(folder, published)
        what = f"no {published.files['train'][0]} in it or in {published.folder}/"
        raise UsageError(what, where=folder, hint=f"unpack {published.archive} there")
    classes = _names(place / published.names, published)
    files = _files(place, published, part)
    ids = np.concatenate([_class_ids(file, published) for file in files])
    return RecordImages(files, _SIDE, classes, ClassIds(ids))


def _place(folder: Path, published: _Published) -> Path | None:
    places = (folder, folder / published.folder)
    names = [name for files in published.files.values() for name in files]
    return next((place for place in places if any((place / name).is_file() for name in names)), None)


def _refuse_other_forms(folder: Path, published: _Published) -> None:
    """UsageError where the Python version or an archive lies there instead."""
    for place in (folder, folder / published.pickled_folder):
        if any(all((place / name).is_file() for name in names) for names in published.pickled):
            what = f"this is the Python version of {published.title}: pickles run code when they are read"
            raise UsageError(what, where=place, hint=f"get the binary version, {published.archive}, and unpack it")
    if (folder / published.archive).is_file():
        hint = f"unpack it: tar -xzf {published.archive}"
        raise UsageError("this archive is not unpacked", where=folder / published.archive, hint=hint)
    pickled = folder / f"{published.title}-python.tar.gz"
    if pickled.is_file():
        raise UsageError(
            f"this is the Python version of {published.title}",
            where=pickled,
            hint=f"get the binary version, {published.archive}, and unpack it",
        )


def _names(path: Path, published: _Published) -> tuple[str, ...]:
    """The classes' names, a line each."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = f"the names of the classes cannot be read ({getattr(error, 'strerror', None) or 'no text'})"
        raise InputError(what, where=path, hint=f"it is part of {published.archive}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) != len(names) or len(names) != published.limits[-1]:
        what = f"{len(set(names))} different names, {published.title} has {published.limits[-1]} classes"
        raise InputError(what, where=path, hint=f"it is part of {published.archive}")
    return names


def _files(place: Path, published: _Published, part: Part) -> Sequence[RecordFile]:
    """The files of a part: whole records, and as many in each."""
    again, files = f"get {published.archive} again", []
    for name in published.files[part]:
        path = place / name
        try:
            size = path.stat().st_size
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror or error})", where=path, hint=again) from error
        if size == 0 or size % published.record:
            what = f"{size:,} bytes are not whole records of {published.record}: the file is truncated or damaged"
            raise InputError(what, where=path, hint=again)
        files.append(RecordFile(path, size // published.record, published.record))
    most = max(file.count for file in files)
    for file in files:
        if file.count != most:
            what = f"the file is truncated: it holds {file.count:,} images, and others of its kind {most:,}"
            raise InputError(what, where=file.path, hint=again)
    return files


def _class_ids(file: RecordFile, published: _Published) -> NDArray[np.uint8]:
    """The class of each record. InputError for an id that there is not."""
    told = np.array(file.rows()[:, : len(published.limits)])
    wrong = told >= np.asarray(published.limits, dtype=np.uint8)
    if wrong.any():
        number, which = (int(value) for value in np.argwhere(wrong)[0])
        what = f"class id {told[number, which]}, ids are 0 to {published.limits[which] - 1}"
        hint = f"the file is damaged, or no {published.title}: get {published.archive} again"
        raise InputError(what, where=file.where(number), hint=hint)
    return np.ascontiguousarray(told[:, -1])
