"""Which pairs a run trains on and which it is judged on."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.datasets.pairs import ManifestPairs, Pair, open_pairs
from facesynth.datasets.splitting import Split
from facesynth.training.runs import Data


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some of the pairs of several sources, read anew each time they are gone through."""

    sources: tuple[Iterable[Pair], ...]
    keep: Callable[[Pair], bool]

    def __iter__(self) -> Iterator[Pair]:
        return filter(self.keep, chain.from_iterable(self.sources))


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
    image lies among the extra pairs too.
    """
    if data.folder is None:
        raise UsageError("no training data named", hint="add --data, a folder with images/ and labels/, or a manifest")
    source = open_pairs(base / data.folder)
    train, held_out, judged = _divided(source, data.split, base)
    extra = tuple(open_pairs(base / folder) for folder in data.extra)
    chosen = Chosen((train, *extra), _anyone)
    _refuse_overlap(chain.from_iterable(extra), held_out)
    if data.limit is not None:
        names = heapq.nsmallest(data.limit, (pair.name for pair in chosen), key=lambda name: _drawn(seed, name))
        chosen = Chosen(chosen.sources, _Named(frozenset(names)))
    if next(iter(chosen), None) is None:
        raise ConfigError(
            "none of the pairs is training data",
            where=base / (data.split or data.folder),
            hint="check --data, or --set data.split=null",
        )
    if data.judged is not None:
        judged = heapq.nsmallest(data.judged, judged, key=lambda pair: _drawn(seed, pair.name))
    return chosen, HeldOut(tuple(sorted(judged, key=lambda pair: pair.name)))


def digest_of(pairs: Iterable[Pair]) -> str:
    """Return a digest of which files a run trains on: names, and bytes where they are known, else sizes."""
    digest = hashlib.sha256()
    for pair in pairs:
        stamp = pair.digest or f"{pair.image.stat().st_size} {pair.labels.stat().st_size}"
        digest.update(f"{pair.name} {stamp}\n".encode())
    return digest.hexdigest()


def read_pairs(pairs: Iterable[Pair]) -> list[tuple[Photo, LabelMap]]:
    """Read pairs at their full size."""
    return [pair.read() for pair in pairs]


def _divided(source: Iterable[Pair], split: str | None, base: Path) -> tuple[Iterable[Pair], list[Pair], list[Pair]]:
    """Who trains, all who are held out, and those of them that a run in training may be judged on."""
    if split is None:
        return source, [], []
    if isinstance(source, ManifestPairs) and not (base / split).is_file():
        manifest = source.manifest
        validation, test = (list(ManifestPairs(manifest, split, side)) for side in ("validation", "test"))
        if not validation + test and next(iter(ManifestPairs(manifest, split, "train")), None) is None:
            known = sorted({division for sample in manifest for division in sample.split})
            hint = f"name a split file, or one of: {', '.join(known)}" if known else "name a split file"
            raise ConfigError(f"the dataset has no division {split!r}", where=manifest.path, hint=hint)
        return ManifestPairs(manifest, split, "train"), validation + test, validation or test
    sides = Split.read(base / split)
    held = list(Chosen((source,), _Named(sides.validation | sides.test)))
    judged = [pair for pair in held if pair.name in sides.validation] or held
    return Chosen((source,), _Named(sides.train)), held, judged


@dataclass(frozen=True, slots=True)
class _Named:
    """Whether a pair's name is one of these."""

    names: frozenset[str]

    def __call__(self, pair: Pair) -> bool:
        return pair.name in self.names


def _anyone(pair: Pair) -> bool:
    return True


def _drawn(seed: int, name: str) -> bytes:
    """A place in an order that the seed decides."""
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()


def _refuse_overlap(extra: Iterable[Pair], held_out: Iterable[Pair]) -> None:
    """Compare by name and by file: copies under the same name count, renamed copies are not noticed."""
    held = list(held_out)
    names, files = {pair.name for pair in held}, {pair.image.resolve() for pair in held}
    for pair in extra:
        if pair.name in names or pair.image.resolve() in files:
            raise ConfigError("is held out by the split and may not train", where=pair.image, hint="check data.extra")
