"""Which faces an evaluation scores: those of a dataset, or those on one side of a split of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.labels import schema_named
from facesynth.datasets.division import FileDivision, open_division, unlabelled
from facesynth.datasets.manifest import SIDES
from facesynth.datasets.pairs import ManifestPairs, Pair, open_pairs
from facesynth.datasets.splitting import Split

Side: TypeAlias = Literal["train", "validation", "test", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Faces with their label maps, read anew each time they are gone through.

    `missing` are names that the split puts on this side and that no face here has.
    """

    data: Path
    pairs: Iterable[Pair]
    count: int
    split: str | None = None
    side: Side = "all"
    missing: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return self.count


def open_held_out(
    data: Path, *, split: str | None = None, side: Side | None = None, truth_schema: str | None = None
) -> HeldOut:
    """Open a manifest, the folder that it lies in, or a folder with `images/` and `labels/`.

    `split` is a split file or a division that the manifest names, `side` one of its sides (by default `validation`).
    `truth_schema` is the order of ids in label maps where neither they nor their dataset say theirs. UsageError where
    there is no such data, split or side, and where no face is on it; ConfigError for a damaged manifest or split file.
    """
    side = checked_side(split, side)
    if truth_schema is not None:
        schema_named(truth_schema)
    source = open_pairs(data)
    pairs, names = _on_side(source, data, split, side)
    if truth_schema is not None:
        pairs = _Ordered(pairs, truth_schema)
    found = [pair.name for pair in pairs]
    if not found:
        raise _nobody(source, data, split, side)
    return HeldOut(
        data=data,
        pairs=pairs,
        count=len(found),
        split=split,
        side=side,
        missing=tuple(sorted(names.difference(found))),
    )


def checked_side(split: str | None, side: Side | None) -> Side:
    """The side that is meant. Raises UsageError for one that there is not, and for a side of no split."""
    if side is not None and side not in get_args(Side):
        raise UsageError(f"no side {side!r}", hint=f"use one of: {', '.join(get_args(Side))}")
    if split is None and side not in (None, "all"):
        raise UsageError(f"the side {side} of no split", hint="name the split with --split")
    return side or ("all" if split is None else "validation")


def read_split(path: Path) -> Split:
    """Read a split file. UsageError where there is none, ConfigError for one that is damaged."""
    if not path.is_file():
        raise UsageError("no such split file", where=path, hint="run: facesynth dataset split --help")
    return Split.read(path)


def names_on(split: Split, side: Side) -> frozenset[str]:
    """The names that a split file has on a side, or on all of them."""
    return frozenset().union(*(split.names(each) for each in _sides(side)))


def _on_side(
    source: Iterable[Pair], data: Path, split: str | None, side: Side
) -> tuple[Iterable[Pair], frozenset[str]]:
    """The pairs, and the names that there should be where a split file names them."""
    if split is None:
        return source, frozenset()
    if not isinstance(source, ManifestPairs):
        read_split(Path(split))
    try:
        division = open_division(source, split, Path())
    except ConfigError as error:
        if Path(split).is_file():
            raise  # a file that is damaged
        raise UsageError(error.what, where=error.where, hint=error.hint) from None
    names = division.names(*_sides(side)) if isinstance(division, FileDivision) else frozenset()
    return division.pairs(*_sides(side)), names


def _sides(side: Side) -> tuple[str, ...]:
    return SIDES if side == "all" else (side,)


def _nobody(source: Iterable[Pair], data: Path, split: str | None, side: Side) -> UsageError | ConfigError:
    if isinstance(source, ManifestPairs) and next(iter(source), None) is None:
        return unlabelled(source.manifest.path)
    if split is None:
        return UsageError("no faces in it", where=data)
    division = open_division(source, split, Path())
    counts = Counter({each: sum(1 for _ in division.pairs(each)) for each in SIDES})
    there = ", ".join(f"{each} {count:,}" for each, count in counts.items() if count)
    hint = f"it has: {there}" if there else "give the split of this dataset"
    return UsageError(f"no face of {data} is on the side {side}", where=split, hint=hint)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """Pairs whose label maps are in a named order of ids where nothing else is known of it."""

    pairs: Iterable[Pair]
    schema: str

    def __iter__(self) -> Iterator[Pair]:
        for pair in self.pairs:
            yield pair if pair.schema is not None else dataclasses.replace(pair, schema=self.schema)
