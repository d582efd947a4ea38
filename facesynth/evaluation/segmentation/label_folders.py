"""Label maps that lie there already, such as another tool's, side by side with the true ones of the same names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.datasets.folders import images_below
from facesynth.evaluation.held_out import Side, checked_side, names_on, read_split


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPair:
    """A true label map and the one to compare with it, None where there is none of that name."""

    name: str
    truth: Path
    predicted: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPairs:
    """Label maps by name. `missing` are names of the split that no true map has, `untrue` predicted ones without."""

    truth: Path
    predicted: Path
    pairs: tuple[MapPair, ...]
    split: str | None = None
    side: Side = "all"
    missing: tuple[str, ...] = ()
    untrue: int = 0

    def __iter__(self) -> Iterator[MapPair]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)


def open_label_folders(
    truth: Path, predicted: Path, *, split: Path | None = None, side: Side | None = None
) -> MapPairs:
    """Match the label maps of two folders by name, all of them or those on a side of a split file.

    Raises UsageError where there are none, where two files share a name, and for an unknown split or side.
    """
    side = checked_side(None if split is None else str(split), side)
    true, said = _by_name(truth), _by_name(predicted)
    names = frozenset(true) if split is None else names_on(read_split(split), side)
    if not (there := sorted(names & true.keys())):
        raise UsageError(f"no label map of {truth} is on the side {side}", where=split, hint="give its own split")
    if not said.keys() & set(there):
        what = f"none of its {len(said)} label maps has the name of a true one, such as {there[0]}"
        raise UsageError(what, where=predicted, hint=f"give them the names that those in {truth} have")
    return MapPairs(
        truth=truth,
        predicted=predicted,
        pairs=tuple(MapPair(name=name, truth=true[name], predicted=said.get(name)) for name in there),
        split=None if split is None else str(split),
        side=side,
        missing=tuple(sorted(names - true.keys())),
        untrue=len(said.keys() - true.keys()),
    )


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError("no such folder", where=folder, hint="give a folder of label maps")
    if (inside := folder / "labels").is_dir():
        raise UsageError("not a folder of label maps, it holds one", where=folder, hint=f"give {inside}")
    found: dict[str, Path] = {}
    for name, path in images_below(folder):
        if name in found:
            raise UsageError(f"two files are named {name}", where=folder, hint="keep one of them")
        found[name] = path
    if not found:
        raise UsageError("no label maps in it", where=folder, hint="they are PNG files: ids, or the palette's colours")
    return found
