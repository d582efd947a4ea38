"""The pairs of a dataset by the side of a split that they are on: whoever trains and whoever judges asks here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from facesynth.core.errors import ConfigError
from facesynth.datasets.manifest import SIDES, Manifest
from facesynth.datasets.pairs import ManifestPairs, Pair
from facesynth.datasets.splitting import Split


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some of the pairs of several sources, read anew each time they are gone through."""

    sources: tuple[Iterable[Pair], ...]
    keep: Callable[[Pair], bool]

    def __iter__(self) -> Iterator[Pair]:
        return filter(self.keep, chain.from_iterable(self.sources))


@dataclass(frozen=True, slots=True)
class Named:
    """Whether a pair's name is one of these."""

    names: frozenset[str]

    def __call__(self, pair: Pair) -> bool:
        return pair.name in self.names


def anyone(pair: Pair) -> bool:
    """Whether a pair is a pair."""
    return True


@dataclass(frozen=True, slots=True)
class FileDivision:
    """Pairs divided by the names in a split file."""

    source: Iterable[Pair]
    split: Split

    def pairs(self, *sides: str) -> Iterable[Pair]:
        """The pairs on these sides."""
        return Chosen((self.source,), Named(self.names(*sides)))

    def names(self, *sides: str) -> frozenset[str]:
        """All names on these sides, whether or not there are such pairs."""
        return frozenset(chain.from_iterable(self.split.names(side) for side in sides))


@dataclass(frozen=True, slots=True)
class ManifestDivision:
    """Pairs divided as their dataset's manifest says: `official`, `published`."""

    manifest: Manifest
    name: str

    def pairs(self, *sides: str) -> Iterable[Pair]:
        """The pairs on these sides."""
        return Chosen(tuple(ManifestPairs(self.manifest, self.name, side) for side in sides), anyone)


def open_division(source: Iterable[Pair], split: str, base: Path) -> FileDivision | ManifestDivision:
    """Divide what `open_pairs` has found: by a split file (relative to `base`), or by the manifest's own division.

    ConfigError for a file that is no split, and for a division that the manifest does not name.
    """
    place = base / split
    if not isinstance(source, ManifestPairs) and not place.exists():
        hint = _whole_path(split, base) or "run: facesynth dataset split --help"
        raise ConfigError("no such split file", where=place, hint=hint)
    if not isinstance(source, ManifestPairs) or place.is_file():
        return FileDivision(source, Split.read(place))
    manifest = source.manifest
    division = ManifestDivision(manifest, split)
    if next(iter(division.pairs(*SIDES)), None) is None:
        known = sorted({name for sample in manifest for name in sample.split})
        if split in known:
            raise unlabelled(manifest.path)
        hint = f"name a split file, or one of: {', '.join(known)}" if known else "name a split file"
        what = f"the dataset has no division {split!r}, and there is no file {place}"
        raise ConfigError(what, where=manifest.path, hint=_whole_path(split, base) or hint)
    return division


def _whole_path(split: str, base: Path) -> str | None:
    """What to do where the name, which was looked up from `base`, would be a file from the working folder."""
    here = Path(split).absolute()
    return f"it is looked for from {base}: name {here}" if here.is_file() else None


def unlabelled(manifest: Path) -> ConfigError:
    """The error of a dataset without label maps."""
    hint = "make label maps first: facesynth segment --aligned, and import images and label maps as a folder"
    return ConfigError("none of its faces has a label map", where=manifest, hint=hint)
