"""An inspection for the terminal, the worst at the end, where the eye is."""

from __future__ import annotations

from collections.abc import Iterator

import rich_click as click

from facesynth.cli.one_line import one_line
from facesynth.core.labels import PALETTE
from facesynth.datasets.inspection.examination import FAULTS
from facesynth.datasets.inspection.inspect import DuplicateFaces, Inspection
from facesynth.datasets.inspection.words import (
    MEANINGS,
    copies_told,
    counted,
    percent,
    shared_words,
    sides_crossed,
    size_rows,
    unknown_side,
)

_FILES = 10
"""Files of each kind of problem that are listed, and groups of duplicates."""
_BAR = 24


def table(inspection: Inspection) -> Iterator[str]:
    """The lines to be printed; what cannot be printed of a name is escaped."""
    for part in (_counts, _sizes, _classes, _divisions, _duplicates, _problems):
        yield from part(inspection)


def _counts(inspection: Inspection) -> Iterator[str]:
    told = [counted(inspection.images, "image")]
    if inspection.label_maps:
        told += [counted(inspection.label_maps, "label map"), counted(inspection.pairs, "pair")]
    if inspection.identities:
        told.append(counted(inspection.identities, "person"))
    yield f"{_bold(one_line(inspection.name))}: {', '.join(told)}"
    yield f"{one_line(inspection.path)}, read in {inspection.seconds:,.0f} s"


def _sizes(inspection: Inspection) -> Iterator[str]:
    for title, sizes in (("IMAGES", inspection.sizes), ("LABEL MAPS", inspection.label_sizes)):
        if sizes:
            yield ""
            yield f"{title:<24} {'FILES':>9}"
            yield from (f"{size:<24} {count:>9,}" for size, count in size_rows(sizes))
    if inspection.not_square:
        yield f"{counted(inspection.not_square, 'image is', 'images are')} not square: align before training"
    if inspection.scaled:
        yield f"{counted(inspection.scaled, 'label map')} of another size than the image, in the same shape"


def _classes(inspection: Inspection) -> Iterator[str]:
    if inspection.classes:
        yield ""
        yield f"{'CLASS':<24} {'FACES':>9} {'PIXELS':>9}"
    for label, use in enumerate(inspection.classes):
        name = f"{use.name} ({MEANINGS[use.name]})" if use.name in MEANINGS else use.name
        filled = max(int(use.faces > 0), round(_BAR * use.face_share))
        red, green, blue = PALETTE[label].tolist()
        bar = click.style("█" * filled, fg=(red, green, blue)) + click.style("░" * (_BAR - filled), dim=True)
        yield f"{name:<24} {percent(use.face_share):>9} {percent(use.pixel_share):>9}  {bar}"


def _divisions(inspection: Inspection) -> Iterator[str]:
    for division in inspection.divisions:
        yield ""
        yield f"{'SPLIT ' + one_line(division.name):<24} {'IMAGES':>9} {'PAIRS':>9}"
        for name, side in division.sides.items():
            yield f"{one_line(name):<24} {side.images:>9,} {side.pairs:>9,}"
        if division.outside:
            yield f"{'on no side':<24} {division.outside:>9,}"
        if division.missing:
            yield _bad(f"{counted(division.missing, 'name')} of the split belong to no face here")
        yield from (_bad(one_line(unknown_side(name))) for name in division.unknown_sides)
        if division.shared_identities:
            yield _bad(f"{counted(division.shared_identities, 'person is', 'persons are')} on several sides")


def _duplicates(inspection: Inspection) -> Iterator[str]:
    if inspection.duplicates is None:
        return
    yield ""
    yield f"DUPLICATES: {copies_told(inspection)}"
    if not inspection.searched_all:
        yield _bad("The search for look-alikes was ended early: too many of these faces hardly differ.")
    yield from (_group(group) for group in inspection.duplicates[:_FILES])
    yield from _rest(len(inspection.duplicates) - _FILES)
    for division in inspection.divisions:
        if leaks := inspection.leaks(division.name):
            yield _bad(
                f"{counted(leaks, 'face lies', 'faces lie')} on SEVERAL SIDES of the split {one_line(division.name)}"
            )


def _group(group: DuplicateFaces) -> str:
    crossed = one_line(", ".join(f"{name}: {sides_crossed(group, name)}" for name in group.across))
    told = f"  {group.relation:<11}" + " = ".join(one_line(copy.name) for copy in group.copies[:4])
    more = f" and {len(group.copies) - 4:,} more" if len(group.copies) > 4 else ""
    return told + more + (f"  {_bad(crossed)}" if crossed else "")


def _problems(inspection: Inspection) -> Iterator[str]:
    yield ""
    if not inspection.faults:
        yield "PROBLEMS: none"
    for kind, faults in inspection.faults_by_kind().items():
        shared = shared_words(faults)
        yield _bad(f"PROBLEMS: {FAULTS[kind]}: {len(faults):,}") + (f" ({one_line(shared)})" if shared else "")
        yield from (one_line(f"  {fault.file}" + ("" if shared else f": {fault.what}")) for fault in faults[:_FILES])
        yield from _rest(len(faults) - _FILES)


def _rest(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  … and {count:,} more, all of them with --json FILE"


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _bad(text: str) -> str:
    return click.style(text, fg="red", bold=True)
