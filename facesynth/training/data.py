"""Which pairs a run trains on and which it is judged on."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import sha256_file
from facesynth.datasets.division import Chosen, FileDivision, Named, anyone, open_division, unlabelled
from facesynth.datasets.inspection.looks import Look
from facesynth.datasets.pairs import ManifestPairs, Pair, open_pairs
from facesynth.training.copies import copies_among, looks_of
from facesynth.training.runs.settings import Data


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Pairs that a run is judged on. Their files are read each time, so that many of them fit."""

    pairs: tuple[Pair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def groups(self, size: int = 8) -> Iterator[list[tuple[Photo, LabelMap]]]:
        """Yield all of them, so many at a time, at their full size."""
        rest = iter(self.pairs)
        while group := read_pairs(islice(rest, size)):
            yield group


def chosen_pairs(data: Data, base: Path, seed: int) -> tuple[Iterable[Pair], HeldOut]:
    """Find a run's pairs: who trains, and who is held out and judged on. Relative folders start from `base`.

    `data.split` is a split file, or a division that the dataset's manifest names. Who is held out is the validation
    side, or the test side where there is no other. ConfigError when there are no pairs to train on, or when a held-out
    image lies among the extra pairs too, by its name or its bytes. Extra pairs whose image is a copy of a held-out one
    that was encoded anew, or its mirror image, are left out; ConfigError where none are left.
    """
    if data.folder is None:
        raise UsageError("no training data named", hint="add --data, a folder with images/ and labels/, or a manifest")
    source = open_pairs(base / data.folder)
    train, held_out, judged = _divided(source, data.split, base)
    extra = tuple(open_pairs(base / folder) for folder in data.extra)
    _refuse_overlap(chain.from_iterable(extra), held_out)
    chosen = Chosen((train, *_without_copies(extra, held_out)), anyone)
    if data.limit is not None:
        everyone = ((number, pair.name) for number, part in enumerate(chosen.sources) for pair in part)
        drawn = heapq.nsmallest(data.limit, everyone, key=lambda one: _drawn(seed, f"{one[0]}/{one[1]}"))
        names = [frozenset(name for number, name in drawn if number == each) for each in range(len(chosen.sources))]
        parts = zip(chosen.sources, names, strict=True)
        chosen = Chosen(tuple(Chosen((part,), Named(some)) for part, some in parts), anyone)
    if isinstance(source, ManifestPairs) and next(iter(source), None) is None:
        raise unlabelled(source.manifest.path)
    if next(iter(chosen), None) is None:
        raise ConfigError(
            "none of the pairs is training data",
            where=base / (data.split or data.folder),
            hint="check --data, or --set data.split=null",
        )
    if data.judged is not None:
        judged = heapq.nsmallest(data.judged, judged, key=lambda pair: _drawn(seed, pair.name))
    return chosen, HeldOut(tuple(sorted(judged, key=lambda pair: pair.name)))


def held_out_pairs(data: Data, base: Path) -> list[Pair]:
    """All pairs that a run's split holds out, on whichever side: nothing may learn from them."""
    return [] if data.folder is None else _divided(open_pairs(base / data.folder), data.split, base)[1]


def read_pairs(pairs: Iterable[Pair]) -> list[tuple[Photo, LabelMap]]:
    """Read pairs at their full size."""
    return [pair.read() for pair in pairs]


def _divided(source: Iterable[Pair], split: str | None, base: Path) -> tuple[Iterable[Pair], list[Pair], list[Pair]]:
    """Who trains, all who are held out, and those of them that a run in training may be judged on."""
    if split is None:
        return source, [], []
    division = open_division(source, split, base)
    held = list(division.pairs("validation", "test"))
    if isinstance(division, FileDivision) and division.names("validation", "test") and not held:
        hint = "give the split of this dataset, or --set data.split=null"
        raise ConfigError("none of the faces that it holds out is in the training data", where=base / split, hint=hint)
    return division.pairs("train"), held, list(division.pairs("validation")) or held


def _drawn(seed: int, name: str) -> bytes:
    """A place in an order that the seed decides."""
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()


def _refuse_overlap(extra: Iterable[Pair], held_out: Iterable[Pair]) -> None:
    """Compare by name, which a face keeps when it is parsed anew, and by the bytes of the image."""
    names: set[str] = set()
    by_size: dict[int, list[Pair]] = {}
    for pair in held_out:
        names.add(pair.name)
        by_size.setdefault(pair.image.stat().st_size, []).append(pair)
    digests: dict[int, set[str]] = {}
    for pair in extra:
        hint = "take it out of data.extra, or give it another name where it is another face"
        if pair.name in names:
            raise ConfigError("is held out by the split and may not train", where=pair.image, hint=hint)
        size = pair.image.stat().st_size
        if size not in by_size:
            continue
        if size not in digests:
            digests[size] = {other.image_sha256 or sha256_file(other.image) for other in by_size[size]}
        if (pair.image_sha256 or sha256_file(pair.image)) in digests[size]:
            raise ConfigError("is held out by the split under another name", where=pair.image, hint=hint)


@dataclass(frozen=True, slots=True)
class _NotNamed:
    """Whether a pair's name is none of these."""

    names: frozenset[str]

    def __call__(self, pair: Pair) -> bool:
        return pair.name not in self.names


def _without_copies(extra: tuple[Iterable[Pair], ...], held_out: Sequence[Pair]) -> tuple[Iterable[Pair], ...]:
    """The extra pairs but for those that look like a held-out one, as unlabelled faces are left out too."""
    if not extra or not held_out:
        return extra
    seen: list[tuple[int, str]] = []

    def looks() -> Iterator[Look | None]:
        for number, part in enumerate(extra):
            for pair, look in looks_of(part):
                seen.append((number, pair.name))
                yield look

    copies = {seen[index] for index in copies_among(looks(), (look for _, look in looks_of(held_out)))}
    if copies and len(copies) == len(seen):
        hint = "add others: --set data.extra=[DIR]"
        raise ConfigError("all extra pairs are held out, and may not train", where="data.extra", hint=hint)
    left_out = (frozenset(name for number, name in copies if number == each) for each in range(len(extra)))
    return tuple(Chosen((part,), _NotNamed(names)) for part, names in zip(extra, left_out, strict=True))
