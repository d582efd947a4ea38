"""`facesynth synthesize`: label maps in, faces out, in one style or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from facesynth.core.images import Photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Done, Item, Origin, PairRef
from facesynth.core.styles import Style
from facesynth.jobs.finishing import finishing
from facesynth.jobs.items import labels_item, style_item
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Cell, Sheets
from facesynth.stages.base import Stage

VARIANT_TAIL = r"seed\d+|frame\d+|strip|loop"
"""What is added to a label map's name where it is painted in several styles."""

Painted = Sequence[Done[Photo] | None]
"""One label map in each of the variants, in their order; None for what could not be painted or put in place."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A style to paint every label map in; `name` is added to the outputs' names, unless it is empty."""

    name: str
    style: Item[Style]
    on_sheet: bool = True


def by_seeds(seeds: Sequence[int]) -> list[Variant]:
    """One variant a seed: `seed0`, `seed1`, …; a single one has no name."""
    if len(seeds) == 1:
        return [Variant("", style_item(Style.from_seed(seeds[0])))]
    return [Variant(f"seed{seed}", style_item(Style.from_seed(seed))) for seed in seeds]


def synthesize(
    session: Session,
    stage: Stage[tuple[LabelMap, Style], Photo],
    variants: Sequence[Variant],
    *,
    schema: str | None = None,
    sheet: bool = False,
    also: Callable[[Origin, Painted], None] | None = None,
) -> None:
    """Write a face for every label map and variant: `NAME.png`, or `NAME_VARIANT.png` where there are several.

    `also` is called for each label map of which there is a picture, and makes more of them; never in a dry run.
    """
    sheets, shown = None, [variant for variant in variants if variant.on_sheet]
    if sheet and not session.execution.dry_run:
        sheets = Sheets(session, ("labels", *(variant.name for variant in shown)), synthetic=True)
    session.expect(len(variants))

    def items() -> Iterator[tuple[Item[tuple[LabelMap, Style]], Variant]]:
        for source in session.sources:
            labels = labels_item(source.path, schema, source.part)
            for variant in variants:
                yield PairRef(labels, variant.style), variant

    pictures_made = finishing(session, stage, items(), part=lambda variant: variant.name or None)
    for path, group in groupby(pictures_made, key=lambda painted: painted[0].origin.path):
        pictures: dict[str, Done[Photo]] = {}
        for result, variant in group:
            with session.item(Origin(path), variant.name or None):
                name = session.name(result.origin)
                name = name.with_name("_".join(part for part in (name.name, variant.name) if part) + ".png")
                place = session.place(result, "picture.png", name)
                session.finish(result.origin, [place], cached=result.cached, part=variant.name or None)
                pictures[variant.name] = result
        if also and pictures and not session.execution.dry_run:
            also(Origin(path), [pictures.get(variant.name) for variant in variants])
        if sheets and pictures:
            made = [pictures.get(variant.name) for variant in shown]
            sheets.add(str(session.name(Origin(path))), partial(_row, session, path, schema, made))
    if sheets:
        sheets.close()


def _row(session: Session, path: str, schema: str | None, pictures: Painted) -> Iterator[Cell]:
    yield decode_label_map(session.input_bytes(path), path, schema=schema)
    for picture in pictures:
        yield None if picture is None else picture.ref.load()
