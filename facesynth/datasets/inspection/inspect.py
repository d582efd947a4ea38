"""A dataset looked at from end to end: what is in it, what is wrong with it, what is in it twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.labels import LABEL_NAMES, NUM_LABELS
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.inspection.census import Census, Example, Side, Size
from facesynth.datasets.inspection.duplicates import Duplicates, DuplicateSearch, Relation
from facesynth.datasets.inspection.examination import FAULTS, Fault, FaultKind, examine
from facesynth.datasets.inspection.target import Kind, Row, Target
from facesynth.datasets.manifest import SIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassUse:
    """How often a class occurs: its pixels in all label maps together, and the label maps that have any."""

    name: str
    pixels: int
    pixel_share: float
    faces: int
    face_share: float
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A split of the dataset: its sides by name, the images on none of them, persons who are on several.

    `missing` are faces that a split file names and the dataset has not.
    """

    name: str
    sides: Mapping[str, Side]
    outside: int
    shared_identities: int
    missing: int = 0

    @property
    def unknown_sides(self) -> tuple[str, ...]:
        """Sides that are none: neither training nor judging takes the faces on them."""
        return tuple(side for side in self.sides if side not in SIDES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A member of a group of duplicates, and what it is to the group's first (None for that one)."""

    name: str
    image: Path
    sides: Mapping[str, str]
    relation: Relation | None
    likeness: float


@dataclass(frozen=True, slots=True)
class DuplicateFaces:
    """Faces that are one face."""

    copies: tuple[Copy, ...]

    @property
    def across(self) -> tuple[str, ...]:
        """The divisions that have members on several sides."""
        names = sorted({name for copy in self.copies for name in copy.sides})
        return tuple(
            name for name in names if len({copy.sides[name] for copy in self.copies if name in copy.sides}) > 1
        )

    @property
    def relation(self) -> Relation:
        """What it is that they have in common: the weakest that holds for all."""
        found = {copy.relation for copy in self.copies}
        return "mirrored" if "mirrored" in found else "look-alike" if "look-alike" in found else "same file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in a dataset. `duplicates` is None where nobody looked for them, those across sides come first;
    `searched_all` is false where that search was ended early. Sizes are (width, height), the most frequent first.
    """

    path: Path
    name: str
    kind: Kind
    schema: str | None
    images: int
    label_maps: int
    pairs: int
    identities: int
    scaled: int
    not_square: int
    sizes: tuple[tuple[Size, int], ...]
    label_sizes: tuple[tuple[Size, int], ...]
    classes: tuple[ClassUse, ...]
    divisions: tuple[Division, ...]
    faults: tuple[Fault, ...]
    duplicates: tuple[DuplicateFaces, ...] | None
    searched_all: bool
    strip: tuple[Example, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 when nothing is wrong with the files, else 3."""
        return 3 if self.faults else 0

    def faults_by_kind(self) -> dict[FaultKind, list[Fault]]:
        """The faults by kind, the worst kind first."""
        grouped: dict[FaultKind, list[Fault]] = {kind: [] for kind in FAULTS}
        for fault in self.faults:
            grouped[fault.kind].append(fault)
        return {kind: faults for kind, faults in grouped.items() if faults}

    def leaks(self, division: str) -> int:
        """The groups of duplicates that lie on several sides of a division."""
        return sum(division in group.across for group in self.duplicates or ())


def inspect_dataset(
    target: Target, *, duplicates: bool = True, workers: int = 2, on_row: Callable[[], None] = lambda: None
) -> Inspection:
    """Read every file of a dataset once and say what is there. Bad files are told, not raised.

    Memory grows by 24 bytes a face (a folder's names come on top), and by what is wrong. `on_row()` hears of each face.
    """
    started = time.monotonic()
    census = Census()
    for file in target.twice:
        census.faults.append(Fault("same_name", file, "another file has this name with another suffix; it is left out"))
    census.faults += [Fault("unreadable", folder, why) for folder, why in target.unlisted]
    census.faults += [Fault("left_out", file, why) for file, why in target.left_out()]
    with DuplicateSearch() as search:
        examined = ordered_ahead(
            target, lambda row: examine(row, target, looks=duplicates), workers=workers, name="inspect"
        )
        for row, facts in examined:
            census.add(row, facts)
            if duplicates:
                search.add(facts.digest, facts.look)
            on_row()
        found = search.find() if duplicates else None
    some_labelled = census.labelled > 0 and census.unlabelled > 0
    again = _read_again(target, found, lonely=target.kind == "manifest" and some_labelled)
    told = "it has no label map, other faces have one"
    census.faults += [Fault("no_labels", row.image or target.path, told) for row in again.lonely]
    return Inspection(
        path=target.path,
        name=target.name,
        kind=target.kind,
        schema=target.schema,
        images=census.whole.images,
        label_maps=census.label_maps,
        pairs=census.whole.pairs,
        identities=len(census.identities),
        scaled=census.scaled,
        not_square=sum(count for (width, height), count in census.sizes.items() if width != height),
        sizes=tuple(census.sizes.most_common()),
        label_sizes=tuple(census.label_sizes.most_common()),
        classes=tuple(_classes(census)),
        divisions=tuple(_divisions(census, target)),
        faults=tuple(census.faults),
        duplicates=None if found is None else _grouped(found, again.rows),
        searched_all=found is None or found.complete,
        strip=tuple(sorted(census.strip.chosen, key=lambda example: example.name)),
        seconds=time.monotonic() - started,
    )


def _classes(census: Census) -> Iterator[ClassUse]:
    total = max(1, int(census.pixels.sum()))
    for label in range(NUM_LABELS if census.label_maps else 0):
        pixels, faces = int(census.pixels[label]), int(census.whole.faces_with[label])
        yield ClassUse(
            name=LABEL_NAMES[label],
            pixels=pixels,
            pixel_share=pixels / total,
            faces=faces,
            face_share=faces / census.label_maps,
            examples=tuple(census.examples[label].chosen),
        )


def _divisions(census: Census, target: Target) -> Iterator[Division]:
    for name in sorted(census.divisions.keys() | ({target.division} if target.division else set())):
        sides, missing = census.divisions.get(name, {}), 0
        if target.split is not None:
            missing = sum(len(target.split.names(side)) for side in SIDES) - census.sided[name]
        yield Division(
            name=name,
            sides={side: sides[side] for side in sorted(sides, key=_usual)},
            outside=census.whole.images - sum(side.images for side in sides.values()),
            shared_identities=census.shared_identities(name),
            missing=missing,
        )


def _usual(side: str) -> tuple[int, str]:
    """The order of sides: train, validation, test, then any others."""
    return (SIDES.index(side) if side in SIDES else len(SIDES)), side


@dataclass(frozen=True, slots=True)
class _Again:
    """Rows that were read once more, so that nobody had to hold them all: by index, and those without label maps."""

    rows: Mapping[int, Row]
    lonely: tuple[Row, ...]


def _read_again(target: Target, found: Duplicates | None, *, lonely: bool) -> _Again:
    """Read the rows of the duplicates, and with `lonely` those without label maps; nothing is read for none."""
    wanted = {index for group in (found.groups if found else ()) for index in group.indices}
    rows: dict[int, Row] = {}
    alone: list[Row] = []
    for index, row in enumerate(target if wanted or lonely else ()):
        if index in wanted:
            rows[index] = row
        if lonely and row.labels is None:
            alone.append(row)
    return _Again(rows, tuple(alone))


def _grouped(found: Duplicates, rows: Mapping[int, Row]) -> tuple[DuplicateFaces, ...]:
    """The groups with names and sides, those across sides first."""

    def copy(index: int, relation: Relation | None, likeness: float) -> Copy:
        row = rows[index]
        return Copy(name=row.name, image=row.image or Path(), sides=row.sides, relation=relation, likeness=likeness)

    groups = [
        DuplicateFaces(
            (copy(group.first, None, 1.0), *(copy(twin.index, twin.relation, twin.likeness) for twin in group.others))
        )
        for group in found.groups
    ]
    return tuple(sorted(groups, key=lambda group: not group.across))
