"""Training pairs: faces and their label maps, from a dataset's manifest or from `images/` and `labels/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import InputError, LabelMapError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import STANDARD, LabelMap
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.fitting import training_refuses
from facesynth.datasets.folders import images_below
from facesynth.datasets.manifest import IMPORT_AGAIN, Manifest, manifest_at


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one face and its label map, under one name.

    `schema` is the order of ids in the label map, where its dataset says, and so are the sha256 of the files' bytes.
    """

    name: str
    image: Path
    labels: Path
    schema: str | None = None
    image_sha256: str | None = None
    labels_sha256: str | None = None

    def read(self) -> tuple[Photo, LabelMap]:
        """Read both files: a square face, and its label map of any square size.

        InputError or LabelMapError by path, also for files whose bytes are not those that their dataset was made of.
        """
        photo = decode_photo(_read(self.image, self.image_sha256), str(self.image))
        labels = decode_label_map(_read(self.labels, self.labels_sha256), str(self.labels), schema=self.schema)
        refused = training_refuses(photo.size, (labels.width, labels.height))
        if refused is not None and refused.part == "image":
            hint = "run: facesynth segment PHOTOS... -o DIR, which aligns first"
            raise InputError(refused.why, where=self.image, hint=hint)
        if refused is not None:
            raise LabelMapError(refused.why, where=self.labels)
        return photo, labels


def _read(path: Path, sha256: str | None) -> bytes:
    data = read_file(path)
    if sha256 is not None and sha256_bytes(data) != sha256:
        raise InputError("has changed since its dataset was imported", where=path, hint=IMPORT_AGAIN)
    return data


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
        # A file may name its own order of ids; only one that differs from the standard overrides that.
        order = None if self.manifest.about.schema == STANDARD else self.manifest.about.schema
        for sample in self.manifest:
            if sample.labels is None or (self.division and sample.split.get(self.division) != self.side):
                continue
            yield Pair(sample.name, sample.image, sample.labels, order, sample.sha256, sample.labels_sha256)


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
    for name, path in images_below(folder):
        if name in found:
            raise UsageError(f"two files are named {name}", where=folder, hint="keep one of them")
        found[name] = path
    return found
