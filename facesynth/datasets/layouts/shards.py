"""Tar archives of samples: a face and its label map under one key, as `segment --output-format shards` writes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from facesynth.core.archives import LABELS_EXTENSION, ArchivePart, list_images
from facesynth.core.errors import InputError, UsageError
from facesynth.core.files import replacing
from facesynth.core.image_files import IMAGE_SUFFIXES, load_image
from facesynth.core.labels import STANDARD, schema_named
from facesynth.core.refs import sha256_bytes
from facesynth.core.scan import scan
from facesynth.core.sources import SourceArchive
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.layouts.checked import check_label_map
from facesynth.datasets.manifest import Description, Sample

_LABELS = "." + LABELS_EXTENSION


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packed(Entry):
    """Where the image and the label map lie; `fault` says why the entry cannot be used, `odd` what is odd."""

    image: ArchivePart | None = None
    suffix: str = ""
    labels: ArchivePart | None = None
    fault: str | None = None
    odd: tuple[str, ...] = ()


class ShardsLayout:
    """The samples of a folder's tar archives: `KEY.png` (or another image) and, where there is one, `KEY.labels.png`.

    They are written to `images/` and `labels/` below the output, in a folder for each archive: training looks faces up
    by name, in any order. `schema` is the label maps' order of ids where the files do not say it.
    """

    version: ClassVar[int] = 1

    def __init__(self, folder: Path, *, schema: str | None = None) -> None:
        """Go through the archives' lists once. UsageError where there are none, or no image in any."""
        if schema is not None:
            schema_named(schema)
        if not folder.is_dir():
            raise UsageError("no such folder", where=folder, hint="name the folder that the archives lie in")
        self._folder, self._schema = folder, schema
        self._archives = sorted(scan([folder]).archives, key=lambda each: each.relative.parts)
        if not self._archives:
            raise UsageError(
                "no tar archives in it", where=folder, hint="for files of their own: dataset import folder"
            )
        self._count = images = 0
        damaged = None
        for entry in self.entries():
            self._count += 1
            images += entry.image is not None
            if entry.image is None and entry.labels is None:
                damaged = damaged or f"; {entry.name}: {entry.fault}"
        if not images:
            raise UsageError(f"no image in any of its archives{damaged or ''}", where=folder)

    @property
    def about(self) -> Description:
        """Named after the folder."""
        return Description(name=self._folder.resolve().name or "shards", schema=self._schema or STANDARD)

    @property
    def folders(self) -> tuple[str, ...]:
        """Of faces and of label maps."""
        return "images", "labels"

    @property
    def settings(self) -> str:
        """Nothing: the files are taken out as they are."""
        return ""

    def __len__(self) -> int:
        return self._count

    def entries(self) -> Iterator[_Packed]:
        """Each sample, archive by archive, in their order; an archive that is damaged comes after what is before it."""
        for archive in self._archives:
            yield from _entries(archive)

    def make(self, entry: Entry, output: Path) -> Made:
        """Check the image and its label map, and take both out."""
        assert isinstance(entry, _Packed)
        where = f"{entry.files[0]}/{entry.name}"
        if entry.fault is not None or entry.image is None:
            raise InputError(entry.fault or "no image", where=where)
        data = entry.image.read(where)
        size = load_image(data, where).size
        odd, labels = list(entry.odd), None
        if entry.labels is not None:
            labels = entry.labels.read(where)
            odd += check_label_map(labels, where, size, schema=self._schema)
        image = self._written(output, "images", entry.name + entry.suffix, data)
        written, labels_path = [image], None
        if labels is not None:
            labels_path = self._written(output, "labels", f"{entry.name}.png", labels)
            written.append(labels_path)
        sample = Sample(
            name=entry.name,
            image=image,
            sha256=sha256_bytes(data),
            labels=labels_path,
            labels_sha256=None if labels is None else sha256_bytes(labels),
        )
        return Made(sample=sample, written=tuple(written), warnings=tuple(odd))

    def notes(self) -> Sequence[str]:
        """None."""
        return ()

    def _written(self, output: Path, folder: str, name: str, data: bytes) -> Path:
        path = output / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_bytes(data)
        return path


def _entries(archive: SourceArchive) -> Iterator[_Packed]:
    listed, fault = list_images(archive.path, suffixes=IMAGE_SUFFIXES)
    maps, _ = list_images(archive.path, suffixes=IMAGE_SUFFIXES, extension=LABELS_EXTENSION)
    labels = {_key(name): part for name, part in maps.items() if name.endswith(_LABELS)}
    images: dict[str, list[str]] = defaultdict(list)
    for name in listed:
        if not name.endswith(_LABELS):
            images[_key(name)].append(name)
    for key, names in images.items():
        several = len(names) > 1
        for name in names:
            path = PurePosixPath(name)
            share = f"{' and '.join(PurePosixPath(each).name for each in names)} share one label map"
            yield _Packed(
                name=str(archive.folder / (path.with_suffix("") if several else key)),
                files=(archive.path,),
                image=listed[name],
                suffix=path.suffix,
                labels=None if several else labels.get(key),
                fault=share if several and key in labels else listed[name].fault,
                odd=() if key in labels else ("no label map",),
            )
    for key in labels.keys() - images.keys():
        yield _Packed(
            name=str(archive.folder / key), files=(archive.path,), labels=labels[key], fault="a label map without image"
        )
    if fault is not None:
        told = fault.what + (f"; {fault.hint}" if fault.hint else "")
        yield _Packed(name=str(archive.relative), files=(archive.path,), fault=told)


def _key(name: str) -> str:
    """A sample's key: its folder, and its file's name up to the first dot."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]
