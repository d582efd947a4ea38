"""CelebAMask-HQ as published (Lee et al. 2020): 30,000 faces of 1024×1024 and up to 18 part masks of each.

`CelebA-HQ-img/ID.jpg`, `CelebAMask-HQ-mask-anno/0..14/IIIII_part.png`, and lists beside them. CelebA's partition and
identities are used where they lie in the folder too, or in its Anno/ or Eval/.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from facesynth.core.errors import InputError, UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES, write_png
from facesynth.core.label_files import encode_label_map
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.layouts.celeba_lists import (
    IDENTITIES,
    PARTITION,
    find_list,
    held,
    identity_rows,
    partition_rows,
    read_attribute_bits,
)
from facesynth.datasets.layouts.celebamask_faults import reported_faults
from facesynth.datasets.layouts.celebamask_mapping import MAPPING, read_mapping, side_of
from facesynth.datasets.layouts.checked import check_image
from facesynth.datasets.layouts.part_masks import PARTS, SIZE, merge_parts, part_file
from facesynth.datasets.left_right import sides_swapped
from facesynth.datasets.manifest import SIDES, Description, Sample

IMAGES = "CelebA-HQ-img"
MASKS = ("CelebAMask-HQ-mask-anno", "CelebAMaskHQ-mask-anno")  # as published, and as g_mask.py spells it
ATTRIBUTES = "CelebAMask-HQ-attribute-anno"

_ROOT = "CelebAMask-HQ"
_WHOLE, _TRAIN_BY_INDEX = 30_000, 28_000
_OFFICIAL = {"train": 24_183, "validation": 2_993, "test": 2_824}


class CelebAMaskHqLayout:
    """The dataset in a folder (or in the folder CelebAMask-HQ in it). Label maps are written to `labels/`.

    Splits: `official`, as g_partition.py divides the mapping (24,183 / 2,993 / 2,824), `index`, the first 28,000 and
    the rest, and `celeba`, CelebA's own list where it is there; it differs from `official` at two faces.
    """

    version: ClassVar[int] = 1
    folders = ("labels",)
    settings = f"merged at {SIZE}"

    def __init__(self, folder: Path) -> None:
        """Look for the parts. UsageError names what is missing, ConfigError a list that is damaged."""
        root, self._masks = _found(folder)
        self._images = root / IMAGES
        self._names = dict(_numbered_images(self._images))
        masked, self._mask_folders = _masked_numbers(self._masks)
        if not self._names:
            raise UsageError("no images named by number, such as 0.jpg", where=self._images)
        self._numbers = sorted(self._names.keys() | masked)
        self._notes: list[str] = []
        places = dict.fromkeys((root, folder))
        attributes = _first_list(places, ATTRIBUTES)
        self._attribute_names, self._bits = _attributes(attributes)
        if attributes is None:
            self._notes.append(f"no {ATTRIBUTES}.txt: there will be no attributes")
        else:
            self._note_untold(attributes.name, self._bits, "they get no attributes, as if none held")
        self._originals = read_mapping(mapping) if (mapping := _first_list(places, MAPPING)) else {}
        self._sides = {number: side_of(order) for number, (order, _) in self._originals.items()}
        self._celeba_sides, self._identities = self._facts(places)
        self._note_gaps()

    @property
    def about(self) -> Description:
        """Its name, the standard order of ids, and the 40 attributes where their list is there."""
        return Description(name="celebamask-hq", attributes=self._attribute_names)

    def __len__(self) -> int:
        return len(self._numbers)

    def entries(self) -> Iterator[Entry]:
        """Every number that has an image or a mask, rising."""
        for number in self._numbers:
            split = {"index": "train" if number < _TRAIN_BY_INDEX else "test"}
            if number in self._sides:
                split = {"official": self._sides[number], **split}
            if number in self._celeba_sides:
                split["celeba"] = self._celeba_sides[number]
            yield Entry(
                name=str(number),
                files=(self._image(number), *(part_file(self._masks, number, part) for part in PARTS)),
                identity=self._identities.get(number),
                attributes=held(self._attribute_names, self._bits.get(number, 0)),
                split=split,
            )

    def make(self, entry: Entry, output: Path) -> Made:
        """Check the image, merge the masks and write the label map."""
        number, image = int(entry.name), entry.files[0]
        digest, (width, height) = check_image(image)
        if width != height:
            raise InputError(f"the image is {width}×{height}, faces are square", where=image)
        labels, odd = merge_parts(self._masks, number)
        data, path = encode_label_map(labels), output / self.folders[0] / f"{entry.name}.png"
        write_png(data, path)
        warnings = [*reported_faults(number), *odd]
        if width != 2 * SIZE:
            warnings.append(f"the image is {width}×{height}, published are {2 * SIZE}×{2 * SIZE}")
        if sides_swapped(labels):
            warnings.append("left and right are swapped in the masks")
        sample = Sample(
            name=entry.name,
            image=image,
            sha256=digest,
            labels=path,
            labels_sha256=sha256_bytes(data),
            identity=entry.identity,
            attributes=entry.attributes,
            split=entry.split,
        )
        return Made(sample=sample, written=(path,), warnings=tuple(warnings))

    def notes(self) -> Sequence[str]:
        """Lists and mask folders that are missing, numbers without any file."""
        return self._notes

    def _image(self, number: int) -> Path:
        return self._images / self._names.get(number, f"{number}.jpg")

    def _facts(self, places: Iterable[Path]) -> tuple[Mapping[int, str], Mapping[int, str]]:
        """CelebA's side and the identity of each number, as far as the lists tell."""
        if not self._originals:
            self._notes.append(f"no {MAPPING}.txt: there will be no official split and no identities")
            return {}, {}
        numbers = {file: number for number, (_, file) in self._originals.items()}
        self._note_untold(f"{MAPPING}.txt", self._originals, "they are on no side of official and get no identity")
        partition, identities = (_first_list(places, name) for name in (PARTITION, IDENTITIES))
        sides, people = dict[int, str](), dict[int, str]()
        if partition is not None:
            sides = {numbers[file]: side for file, side in partition_rows(partition) if file in numbers}
            self._note_untold(partition.name, sides, "they are on no side of celeba", within=self._originals)
        if identities is None:
            self._notes.append(f"no {IDENTITIES}.txt (CelebA's): there will be no identities")
        else:
            people = {numbers[file]: who for file, who in identity_rows(identities) if file in numbers}
            self._note_untold(identities.name, people, "they get no identity", within=self._originals)
        return sides, people

    def _note_untold(self, name: str, told: Container[int], lost: str, *, within: Container[int] | None = None) -> None:
        """Note the faces (of those `within`) that a list does not name, as one that is cut short does not."""
        untold = [number for number in self._numbers if number not in told and (within is None or number in within)]
        if untold:
            self._notes.append(f"{len(untold)} faces are not in {name}: {lost}: {spelled_ranges(untold)}")

    def _note_gaps(self) -> None:
        groups = {number // 2000 for number in self._numbers}
        if absent := sorted(groups - self._mask_folders):
            self._notes.append(f"{self._masks.name} lacks the folders {spelled_ranges(absent)}")
        if absent := sorted(self._originals.keys() - set(self._numbers)):
            told = f"{len(absent)} faces of the mapping have neither image nor masks: {spelled_ranges(absent)}"
            self._notes.append(told)
        elif self._sides and len(self._numbers) == _WHOLE:
            counts = {side: sum(it == side for it in self._sides.values()) for side in SIDES}
            if counts != _OFFICIAL:
                self._notes.append(f"the official split is {counts}, published are {_OFFICIAL}")


def spelled_ranges(numbers: Sequence[int], limit: int = 5) -> str:
    """Sorted numbers as `3, 7–9`, at most so many ranges of them."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    told = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:limit]]
    return ", ".join(told) + (f" and {len(ranges) - limit} more ranges" if len(ranges) > limit else "")


def _found(folder: Path) -> tuple[Path, Path]:
    """The dataset's folder and its masks'. UsageError says what of it is missing and what is there instead."""
    if not folder.is_dir():
        raise UsageError("no such folder", where=folder)
    for root in (folder, folder / _ROOT):
        masks = next((root / name for name in MASKS if (root / name).is_dir()), None)
        if masks is not None and (root / IMAGES).is_dir():
            return root, masks
    root = folder if not (folder / _ROOT).is_dir() else folder / _ROOT
    missing = [f"{IMAGES}/ (the images)"] if not (root / IMAGES).is_dir() else []
    if not any((root / name).is_dir() for name in MASKS):
        missing.append(f"{MASKS[0]}/ (the masks)")
    here = sorted(path.name + "/" * path.is_dir() for path in root.iterdir() if not path.name.startswith("."))
    found = ", ".join(here[:6]) + (f" and {len(here) - 6} more" if len(here) > 6 else "") if here else "nothing"
    inner = [parent for parent in folder.resolve().parents if (parent / IMAGES).is_dir()]
    if inner and folder.resolve().relative_to(inner[0]).parts[0] in (IMAGES, *MASKS):
        hint = f"give the folder above it: {inner[0]}"
    else:
        hint = "give the unpacked folder CelebAMask-HQ; for images and label maps of other kinds: dataset import folder"
    raise UsageError(f"not CelebAMask-HQ: {' and '.join(missing)} missing, found {found}", where=root, hint=hint)


def _numbered_images(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, file name) of the images; of several with one number the .jpg comes last, and counts."""
    with os.scandir(folder) as found:
        names = sorted((entry.name for entry in found), key=lambda name: (name.endswith(".jpg"), name))
    for name in names:
        stem, suffix = os.path.splitext(name)
        if stem.isascii() and stem.isdigit() and suffix.lower() in IMAGE_SUFFIXES:
            yield int(stem), name


def _masked_numbers(folder: Path) -> tuple[set[int], set[int]]:
    """The numbers of faces that have masks, and the sub-folders that are there."""
    numbers: set[int] = set()
    groups: set[int] = set()
    for inner in sorted(folder.iterdir()):
        if not (inner.name.isascii() and inner.name.isdigit() and inner.is_dir()):
            continue
        groups.add(int(inner.name))
        try:
            with os.scandir(inner) as found:
                stems = {entry.name.partition("_")[0] for entry in found}
        except OSError:  # its faces fail one by one, each by name
            continue
        # A number in another's folder is not looked for there, and so it is not there.
        numbers |= {int(stem) for stem in stems if stem.isascii() and stem.isdigit()} & _group(int(inner.name))
    return numbers, groups


def _group(index: int) -> set[int]:
    return set(range(index * 2000, (index + 1) * 2000))


def _first_list(places: Iterable[Path], name: str) -> Path | None:
    return next((path for place in places if (path := find_list(place, name)) is not None), None)


def _attributes(path: Path | None) -> tuple[tuple[str, ...], Mapping[int, int]]:
    """The names of the attributes, and of each number a bit each."""
    if path is None:
        return (), {}
    names, rows = read_attribute_bits(path)
    return names, {int(stem): bits for file, bits in rows if (stem := file.partition(".")[0]).isdecimal()}
