"""What can be inspected: a dataset's manifest, a folder of pairs, a folder of photos; gone through face by face."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from facesynth.core.errors import UsageError
from facesynth.core.labels import STANDARD, schema_named
from facesynth.core.scan import walk
from facesynth.datasets.importing.report import REPORT_NAME, failures_in
from facesynth.datasets.manifest import MANIFEST_NAME, SIDES, Manifest, manifest_at
from facesynth.datasets.splitting import Split

Kind: TypeAlias = Literal["manifest", "pairs", "photos"]
_NOTHING: Mapping[str, str] = MappingProxyType({})
_PART_MASKS = "CelebAMask-HQ-mask-anno"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A face that should be there: its files (None for one that is not listed), and what its manifest says of it.

    `sides` names for each division the side that the face is on.
    """

    name: str
    image: Path | None
    labels: Path | None
    sha256: str | None = None
    labels_sha256: str | None = None
    identity: str | None = None
    sides: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is inspected. Going through it yields its faces in a fixed order, each time anew.

    `path` is the manifest or the folder. `schema` is the order of ids in label maps that do not say theirs.
    """

    path: Path
    name: str
    kind: Kind
    schema: str | None
    count: int
    listing: _Listing | Manifest
    division: str | None = None
    split: Split | None = None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        rows = iter(self.listing) if isinstance(self.listing, _Listing) else _sampled(self.listing)
        for row in rows:
            yield row if self.division is None else dataclasses.replace(row, sides=self._sides(row))

    @property
    def twice(self) -> tuple[Path, ...]:
        """Files that bear a name which another one has already."""
        return self.listing.twice if isinstance(self.listing, _Listing) else ()

    @property
    def unlisted(self) -> tuple[tuple[Path, str], ...]:
        """Folders that cannot be listed, and why not."""
        return self.listing.unlisted if isinstance(self.listing, _Listing) else ()

    def left_out(self) -> list[tuple[Path, str]]:
        """The files that the manifest's import could not use, and why not, as its report beside it says."""
        if not isinstance(self.listing, Manifest):
            return []
        told = failures_in(self.path.with_name(REPORT_NAME), self.name, self.count)
        return [(Path(file or name), reason) for name, file, reason in told]

    def _sides(self, row: Row) -> Mapping[str, str]:
        """The side in the one division that is asked for."""
        division, split = self.division or "", self.split
        if split is None:
            return {division: row.sides[division]} if division in row.sides else {}
        return next(({division: side} for side in SIDES if row.name in split.names(side)), {})


def open_target(path: Path, *, split: str | None = None, schema: str | None = None) -> Target:
    """Look at what lies there: a manifest, the folder it lies in, `images/` with `labels/`, or photos in any folders.

    `split` is a split file, or the name of a division of the manifest's: then that one counts alone. `schema` is the
    order of ids in a folder's label maps that do not say theirs. Raises UsageError for a path that is none of these,
    an unknown split or schema, and a schema beside a manifest, which says its own; ConfigError for a damaged manifest
    or split file.
    """
    target = _found(path)
    if schema is not None:
        if target.kind == "manifest":
            hint = "leave out --schema, or import the dataset again with it"
            raise UsageError("the manifest itself says the order of ids", where=target.path, hint=hint)
        target = dataclasses.replace(target, schema=schema_named(schema).name)
    if split is None:
        return target
    if (file := Path(split)).is_file():
        return dataclasses.replace(target, division=file.stem, split=Split.read(file))
    known = sorted({name for row in target for name in row.sides})
    if split not in known:
        told = f"it has: {', '.join(known)}" if known else "it has no splits of its own: give a split file"
        raise UsageError(f"no split named {split}, and no such file", where=path, hint=told)
    return dataclasses.replace(target, division=split)


def _found(path: Path) -> Target:
    if not path.exists():
        raise UsageError("no such file or folder", where=path)
    both = (path / "images").is_dir() and (path / "labels").is_dir()
    if (manifest := manifest_at(path)) is not None:
        opened = Manifest.open(manifest)
        with manifest.open("rb") as file:
            count = sum(1 for _ in file) - 1
        schema = None if opened.about.schema == STANDARD else opened.about.schema
        return Target(
            path=manifest, name=opened.about.name, kind="manifest", schema=schema, count=count, listing=opened
        )
    if (path / _PART_MASKS).is_dir():
        raise UsageError(
            "CelebAMask-HQ as published, its masks in parts",
            where=path,
            hint="run first: facesynth dataset import celebamask-hq --help",
        )
    if (path / "labels").is_dir() and not both:
        raise UsageError("labels/ is there, images/ is not", where=path)
    images = path / "images" if (path / "images").is_dir() else path
    listing = _Listing.of(images, path / "labels" if both else None)
    if not len(listing):
        for folder, why in listing.unlisted:
            raise UsageError(why, where=folder, hint="check its permissions")
        raise UsageError(
            f"no images in it, and no {MANIFEST_NAME}",
            where=path,
            hint="expected a manifest, or images/ and labels/, or photos",
        )
    kind: Kind = "pairs" if both else "photos"
    return Target(path=path, name=path.resolve().name, kind=kind, schema=None, count=len(listing), listing=listing)


def _sampled(manifest: Manifest) -> Iterator[Row]:
    for sample in manifest:
        yield Row(
            name=sample.name,
            image=sample.image,
            labels=sample.labels,
            sha256=sample.sha256,
            labels_sha256=sample.labels_sha256,
            identity=sample.identity,
            sides=sample.split,
        )


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files of a folder by their names without suffix: two mappings of short strings."""

    images: Path
    labels: Path | None
    image_files: Mapping[str, str]
    label_files: Mapping[str, str]
    twice: tuple[Path, ...]
    unlisted: tuple[tuple[Path, str], ...]

    @classmethod
    def of(cls, images: Path, labels: Path | None) -> _Listing:
        twice: list[Path] = []
        unlisted: list[tuple[Path, str]] = []
        image_files = _by_name(images, twice, unlisted)
        label_files = {} if labels is None else _by_name(labels, twice, unlisted)
        return cls(images, labels, image_files, label_files, tuple(twice), tuple(unlisted))

    def __len__(self) -> int:
        return len(self.image_files.keys() | self.label_files.keys())

    def __iter__(self) -> Iterator[Row]:
        for name in sorted(self.image_files.keys() | self.label_files.keys()):
            image, labels = self.image_files.get(name), self.label_files.get(name)
            yield Row(
                name=name,
                image=None if image is None else self.images / image,
                labels=None if labels is None or self.labels is None else self.labels / labels,
            )


def _by_name(root: Path, twice: list[Path], unlisted: list[tuple[Path, str]]) -> dict[str, str]:
    """The images below a folder: name → file, both relative to it."""

    def note(folder: Path, error: OSError) -> None:
        unlisted.append((folder, f"the folder cannot be listed ({error.strerror or error})"))

    found: dict[str, str] = {}
    for folder, files in walk(root, note):
        within = folder.relative_to(root).as_posix()
        for file in files:
            told = file if within == "." else f"{within}/{file}"
            if (name := os.path.splitext(told)[0]) in found:
                twice.append(root / told)
            else:
                found[name] = told
    return found
