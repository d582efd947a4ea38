"""Anybody's own folder: photos, or images and label maps that mirror one another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from facesynth.core.errors import InputError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.labels import STANDARD, schema_named
from facesynth.core.refs import sha256_bytes
from facesynth.core.scan import walk
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.layouts.checked import check_image, check_label_map
from facesynth.datasets.manifest import Description, Sample

_SIDES: Mapping[str, str] = MappingProxyType(
    {
        "train": "train",
        "training": "train",
        "val": "validation",
        "valid": "validation",
        "validation": "validation",
        "test": "test",
        "testing": "test",
    }
)
"""What a top folder's name says of the images in it."""

_Stems = Mapping[str, tuple[str, ...]]
"""The images of a folder: name without suffix → its suffixes, of which .png comes first."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """A folder of images, that of their label maps where there is one, and what stands before their names."""

    images: Path
    labels: Path | None = None
    prefix: PurePosixPath = PurePosixPath()  # noqa: RUF009 - immutable


@dataclass(frozen=True, slots=True, kw_only=True)
class _FolderEntry(Entry):
    """`labels` is the label map's file, `schema` the order of ids in it where it does not say so itself; `fault` says
    why the entry cannot be used, `odd` what is odd."""

    labels: Path | None = None
    schema: str | None = None
    fault: str | None = None
    odd: tuple[str, ...] = ()


class FolderLayout:
    """The images of a folder, recursively, or pairs of images and label maps with the same name, whatever the suffix.

    Pairs are found where the folder holds `images/` and `labels/`, where each of its folders does (`train/images`,
    `train/labels`, …), or where `labels` names another folder, with those of `images/` where that is there. Label maps
    may be ids, palette PNG or the palette's colours; `schema` is their order of ids where the files do not say it.
    Images in train/, val/ and test/ (under these or similar names) are on that side of the split `folders`.
    """

    def __init__(self, folder: Path, *, labels: Path | None = None, schema: str | None = None) -> None:
        """Go through the names once. UsageError where there are no images, or where no image has a label map."""
        if schema is not None:
            schema_named(schema)
        for place in (folder, labels):
            if place is not None and not place.is_dir():
                raise UsageError("no such folder", where=place)
        self._folder, self._schema = folder, schema
        self._notes: dict[str, None] = {}
        self._trees = self._found(folder, labels)
        for tree in self._trees:
            if tree.labels is not None and tree.labels.samefile(tree.images):
                hint = "give the folder that holds the label maps, or leave it out where there are none"
                raise UsageError(
                    "images and label maps are looked for in the same folder", where=tree.labels, hint=hint
                )
        self._count = images = pairs = 0
        first: dict[bool, Path] = {}  # of images, and of label maps without image
        for entry in self.entries():
            is_image = entry.fault is None or entry.labels is not None
            first.setdefault(is_image, entry.files[0])
            self._count += 1
            images += is_image
            pairs += entry.labels is not None
        if not images:
            raise UsageError("no images in it", where=folder, hint=f"names end in {' '.join(sorted(IMAGE_SUFFIXES))}")
        if not pairs and all(tree.labels is not None for tree in self._trees):
            told = f"{first[True]} and {first[False]}" if False in first else f"{first[True]}, and no label maps"
            raise UsageError(
                f"no label map has the name of an image: found {told}",
                where=labels or folder,
                hint="a pair is images/NAME.jpg and labels/NAME.png",
            )

    @property
    def about(self) -> Description:
        """Named after the folder."""
        return Description(name=self._folder.resolve().name or "folder", schema=self._schema or STANDARD)

    def __len__(self) -> int:
        return self._count

    def entries(self) -> Iterator[_FolderEntry]:
        """Each image, folder by folder, then the label maps without image."""
        for tree in self._trees:
            for inner, stems in self._walk(tree.images, *(() if tree.labels is None else (tree.labels,))):
                partners = {} if tree.labels is None else _stems(tree.labels / inner)
                for stem, suffixes in stems.items():
                    for entry in _image_entries(tree, inner, stem, suffixes, partners.get(stem, ())):
                        yield replace(entry, schema=self._schema)
            if tree.labels is None:
                continue
            for inner, stems in self._walk(tree.labels):
                partners = _stems(tree.images / inner)
                for stem, suffixes in stems.items():
                    if stem not in partners:
                        lonely = inner / (stem + suffixes[0])
                        name = (tree.prefix / lonely).as_posix()
                        yield _FolderEntry(name=name, files=(tree.labels / lonely,), fault="a label map without image")

    def make(self, entry: Entry, output: Path) -> Made:
        """Check the image and its label map; nothing is written."""
        assert isinstance(entry, _FolderEntry)
        image = entry.files[0]
        if entry.fault is not None:
            raise InputError(entry.fault, where=image)
        digest, size = check_image(image)
        labels_digest, odd = None, list(entry.odd)
        if entry.labels is not None:
            data = read_file(entry.labels)
            odd += check_label_map(data, str(entry.labels), size, schema=self._schema)
            labels_digest = sha256_bytes(data)
        sample = Sample(
            name=entry.name,
            image=image,
            sha256=digest,
            labels=entry.labels,
            labels_sha256=labels_digest,
            split=entry.split,
        )
        return Made(sample=sample, warnings=tuple(odd))

    def notes(self) -> Sequence[str]:
        """Folders that were left out or cannot be listed."""
        return tuple(self._notes)

    def _found(self, folder: Path, labels: Path | None) -> list[_Tree]:
        if labels is not None:
            inner_images = folder / "images"
            return [_Tree(inner_images if inner_images.is_dir() else folder, labels)]
        if (folder / "images").is_dir() and (folder / "labels").is_dir():
            return [_Tree(folder / "images", folder / "labels")]
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        if not any((path / "images").is_dir() and (path / "labels").is_dir() for path in inner):
            return [_Tree(folder)]
        trees = []
        for path in inner:
            if (path / "images").is_dir():
                partner = path / "labels" if (path / "labels").is_dir() else None
                trees.append(_Tree(path / "images", partner, PurePosixPath(path.name)))
            else:
                self._notes[f"{path.name}/ is left out: it holds no images/"] = None
        return trees

    def _walk(self, top: Path, *without: Path) -> Iterator[tuple[PurePosixPath, _Stems]]:
        """Yield each folder below `top`, relative to it, with its images, in a fixed order, but for those `without`."""

        def note(folder: Path, error: OSError) -> None:
            self._notes[f"{folder} is left out: it cannot be listed ({error.strerror or error})"] = None

        for folder, names in walk(top, note, without=without):
            yield PurePosixPath(folder.relative_to(top).as_posix()), _by_stem(names)


def _stems(folder: Path) -> _Stems:
    """The images of a folder; none where it cannot be listed."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found if not entry.name.startswith(".") and not entry.is_dir())
    except OSError:
        return {}
    return _by_stem(name for name in names if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES)


def _by_stem(names: Iterable[str]) -> _Stems:
    """The sorted names of images by their stems."""
    stems: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # a folder may hold 200,000 files of one kind
    for name in names:
        stem, suffix = os.path.splitext(name)
        suffixes = tuple(sorted((*stems.get(stem, ()), suffix), key=lambda each: (each != ".png", each)))
        stems[stem] = shared.setdefault(suffixes, suffixes)
    return stems


def _image_entries(
    tree: _Tree, inner: PurePosixPath, stem: str, suffixes: Sequence[str], partners: Sequence[str]
) -> Iterator[_FolderEntry]:
    """The entries of the images with one stem: several keep their suffix in the name, and share no label map.

    `partners` are the suffixes of the label maps with that stem.
    """
    for suffix in suffixes:
        place = tree.prefix / inner / (stem if len(suffixes) == 1 else stem + suffix)
        side = _SIDES.get(place.parts[0].lower()) if len(place.parts) > 1 else None
        image = tree.images / inner / (stem + suffix)
        labels = tree.labels / inner / (stem + partners[0]) if tree.labels is not None and partners else None
        fault = None
        odd: tuple[str, ...] = ()
        if labels is not None and len(suffixes) > 1:
            fault = f"{' and '.join(stem + each for each in suffixes)} share one label map"
        elif len(partners) > 1:
            fault = f"it has several label maps, {' and '.join(stem + each for each in partners)}"
        elif tree.labels is not None and labels is None:
            odd = ("no label map",)
        yield _FolderEntry(
            name=place.as_posix(),
            files=(image,) if labels is None else (image, labels),
            split={} if side is None else {"folders": side},
            labels=labels,
            fault=fault,
            odd=odd,
        )
