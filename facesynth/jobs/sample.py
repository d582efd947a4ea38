"""`facesynth sample`: pictures of seeds, by a generator that needs no label maps."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath

from facesynth.core.errors import UsageError
from facesynth.core.refs import Done, Item, Origin, Ref, sha256_bytes
from facesynth.inference.conditions import Told, attribute_weights, check_told, class_named, settled
from facesynth.inference.residual_weights import ResidualWeights
from facesynth.jobs.finishing import finishing
from facesynth.jobs.session import Session
from facesynth.jobs.sheets import Cell, Sheets
from facesynth.stages.base import Stage
from facesynth.stages.sample import Sample, Wanted, told_condition

_MOST_COLUMNS = 20
_SMALLEST_CELL, _LARGEST_CELL = 64, 128
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,60}")
"""Names of classes that are names of files everywhere."""
_AS_ID = re.compile(r"class\d+", re.IGNORECASE)
"""What a class without such a name is called: no other's own name may read like it."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One picture to make: its name without suffix, and the row of the grid that it stands in."""

    seed: int
    condition: Told
    name: str
    row: str

    @property
    def part(self) -> str:
        """How the report calls it."""
        _, _, chosen = self.name.partition("_")
        return f"seed {self.seed}, {chosen}" if chosen else f"seed {self.seed}"


def draws(
    told: ResidualWeights,
    *,
    seeds: Sequence[int],
    classes: Sequence[str] = (),
    per_class: int | None = None,
    attributes: Mapping[str, float] | None = None,
) -> Sequence[Draw] | Iterator[Draw]:
    """What to make, lazily: every seed once, in the class that it draws or with the `attributes`' weights; with
    `classes` (names or ids) every seed in each of them; with `per_class` so many seeds of each class in place of
    `seeds`, counted on from class to class, so that no two pictures share their noise.

    Raises UsageError at once for what the generator does not have, and for attributes that nobody told.
    """
    count = told.spec.classes
    if per_class is not None and not count:
        raise UsageError("this generator has no classes to make pictures of", hint="give --seeds")
    chosen = list(dict.fromkeys(class_named(name, told.classes, count) for name in classes))
    weights = None if attributes is None else attribute_weights(attributes, told.classes, count)
    if not chosen:
        check_told(weights, multi=told.multi)
    if weights is not None or not (chosen or per_class):
        return _by_seed(seeds, weights, count)
    chosen = chosen or list(range(count))
    return _by_class(chosen, told.classes, seeds, per_class)


def count_of(told: ResidualWeights, seeds: Sequence[int], classes: Sequence[str], per_class: int | None) -> int:
    """How many pictures `draws` gives."""
    chosen = len({class_named(name, told.classes, told.spec.classes) for name in classes})
    if per_class is not None:
        return per_class * (chosen or told.spec.classes)
    return len(seeds) * (chosen or 1)


def _by_seed(seeds: Sequence[int], weights: tuple[float, ...] | None, classes: int) -> Iterator[Draw]:
    columns = min(_MOST_COLUMNS, math.ceil(math.sqrt(len(seeds))))
    for index, seed in enumerate(seeds):
        first = index // columns * columns
        last = min(first + columns, len(seeds)) - 1
        row = f"{seeds[first]} … {seeds[last]}" if last > first else str(seeds[first])
        yield Draw(seed, settled(seed, weights, classes), f"seed{seed}", row)


def _by_class(
    chosen: Sequence[int], names: Sequence[str], seeds: Sequence[int], per_class: int | None
) -> Iterator[Draw]:
    files = file_names(chosen, names)
    for place, condition in enumerate(chosen):
        own = seeds if per_class is None else range(place * per_class, (place + 1) * per_class)
        shown = names[condition] if names else f"class {condition}"
        for index, seed in enumerate(own):
            more = f" {index // _MOST_COLUMNS + 1}" if len(own) > _MOST_COLUMNS else ""
            yield Draw(seed, condition, f"seed{seed}_{files[condition]}", f"{shown}{more}")


def file_names(chosen: Iterable[int], names: Sequence[str]) -> dict[int, str]:
    """What each class is called in names of files: its own name where all systems take it and tell it apart."""
    folded = [name.casefold() for name in names]

    def own(index: int) -> bool:
        name = names[index]
        return bool(_SAFE.fullmatch(name)) and not _AS_ID.fullmatch(name) and folded.count(folded[index]) == 1

    return {index: names[index] if names and own(index) else f"class{index}" for index in chosen}


def sample(
    session: Session,
    stage: Stage[Wanted, Sample],
    told: ResidualWeights,
    wanted: Iterable[Draw],
    *,
    count: int,
    grid: bool = False,
) -> None:
    """Write a picture for each of the `count` that are wanted, `NAME.png`; `grid` adds a contact sheet, sheet.png."""
    sheets, origin = None, Origin(str(told.path))
    if grid and not session.execution.dry_run:
        cell = min(_LARGEST_CELL, max(_SMALLEST_CELL, told.spec.size))
        sheets = Sheets(session, (), cell=cell, synthetic=True)
    session.execution.progress.more(count - len(session.sources))
    items = ((sample_item(draw.seed, draw.condition, origin), draw) for draw in wanted)
    made = finishing(session, stage, items, part=lambda draw: draw.part)
    for row, group in groupby(made, key=lambda pair: pair[1].row):
        shown: list[Done[Sample]] = []
        for result, draw in group:
            with session.item(origin, draw.part):
                place = session.place(result, "picture.png", PurePosixPath(f"{draw.name}.png"))
                session.finish(origin, [place], cached=result.cached, part=draw.part, about=_about(draw, told.classes))
                if sheets:
                    shown.append(result)
        if sheets and shown:
            sheets.add(row, partial(_cells, shown))
    if sheets:
        sheets.close()


def sample_item(seed: int, condition: Told, origin: Origin) -> Item[Wanted]:
    """A seed in its settled condition as an item: drawn or told, a class gives the same picture."""
    digest = sha256_bytes(json.dumps(["seed", seed, condition]).encode())
    return Ref(digest, origin, partial(_wanted, seed, condition))


def _wanted(seed: int, condition: Told) -> Wanted:
    return seed, condition


def _about(draw: Draw, classes: Sequence[str]) -> dict[str, object]:
    condition = {} if draw.condition is None else {"class": told_condition(draw.condition, classes)}
    return {"seed": draw.seed, **condition}


def _cells(results: Sequence[Done[Sample]]) -> Iterator[Cell]:
    for result in results:
        yield result.ref.load().picture
