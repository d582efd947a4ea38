"""Training pairs: faces and their label maps, from a dataset's manifest or from `images/` and `labels/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import InputError, LabelMapError, UsageError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import STANDARD, LabelMap
from facesynth.datasets.manifest import Manifest, manifest_at

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one face and its label map, under one name.

    `schema` is the order of ids in the label map, where its dataset says; `digest` stands for the bytes of both files,
    where they are known.
    """

    name: str
    image: Path
    labels: Path
    schema: str | None = None
    digest: str | None = None

    def read(self) -> tuple[Photo, LabelMap]:
        """Read both files: a square face, and its label map of any square size. InputError, LabelMapError by path."""
        photo, labels = read_photo(self.image), read_label_map(self.labels, schema=self.schema)
        if photo.width != photo.height:
            raise InputError(
                f"training faces are square, this one is {photo.width}×{photo.height}",
                where=self.image,
                hint="run: facesynth segment PHOTOS... -o DIR, which aligns first",
            )
        if labels.width != labels.height:
            what = f"the label map is {labels.width}×{labels.height}, its face is square"
            raise LabelMapError(what, where=self.labels)
        return photo, labels


def open_pairs(source: Path) -> Iterable[Pair]:
    """The pairs of a dataset's manifest (or of the folder it lies in), or of a folder with `images/` and `labels/`.

    A manifest is read anew each time the result is gone through, and never held. Raises UsageError or ConfigError.
    """
    manifest = manifest_at(source)
    return find_pairs(source) if manifest is None else ManifestPairs(Manifest.open(manifest))


@dataclass(frozen=True, slots=True)
class ManifestPairs:
    """The faces of a dataset that have label maps; with `division` and `side` those on one side of it.

    Divisions are what the dataset itself names: `official`, `published`.
    """

    manifest: Manifest
    division: str | None = None
    side: str | None = None

    def __iter__(self) -> Iterator[Pair]:
        schema = self.manifest.about.schema
        for sample in self.manifest:
            if sample.labels is None or (self.division and sample.split.get(self.division) != self.side):
                continue
            digest = f"{sample.sha256}+{sample.labels_sha256}"
            # A file may name its own order of ids; only one that differs from the standard overrides that.
            yield Pair(sample.name, sample.image, sample.labels, None if schema == STANDARD else schema, digest)


def find_pairs(folder: Path) -> list[Pair]:
    """List the pairs of a folder that holds `images/` and `labels/`, sorted by name.

    Files without a partner raise UsageError, as does a folder without pairs.
    """
    images, labels = _by_stem(folder / "images"), _by_stem(folder / "labels")
    if lonely := sorted(images.keys() ^ labels.keys()):
        side = "label map" if lonely[0] in images else "image"
        raise UsageError(
            f"{len(lonely)} files have no partner, the first is {lonely[0]} (no {side})",
            where=folder,
            hint="images/ and labels/ must hold the same names",
        )
    if not images:
        raise UsageError("no pairs found", where=folder, hint="expected images/NAME.png and labels/NAME.png")
    return [Pair(name, images[name], labels[name]) for name in sorted(images)]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError("no such folder", where=folder, hint="training pairs lie in images/ and labels/ of one folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith("."):
            stem = path.relative_to(folder).with_suffix("").as_posix()
            if stem in found:
                raise UsageError(f"two files are named {stem}", where=folder, hint="keep one of them")
            found[stem] = path
    return found
