"""A run's folder and its pairs, opened for a process that trains: held and settled by the first rank alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from facesynth import __version__
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.packed import PackedPairs, identify, packed
from facesynth.datasets.pairs import Pair
from facesynth.store import ArtifactStore
from facesynth.training import checkpoint
from facesynth.training.data import HeldOut, chosen_pairs
from facesynth.training.folder import RunFolder
from facesynth.training.loop import Report
from facesynth.training.place import Place
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

Config = TypeVar("Config", ParserRun, SpadeRun, SpnRun)
OnPacked = Callable[[int, int], None]
OnNote = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order(Generic[Config]):
    """What is to be trained, and where: all that a process of another rank has to be told.

    The run lies in `runs`/NAME; relative paths of its pipeline file start from `base`; `cache` keeps its packed pairs.
    """

    config: Config
    runs: Path
    base: Path
    cache: Path
    device: str

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.runs / self.config.name


@dataclass(frozen=True, slots=True)
class Listening:
    """Who hears how a run is getting on."""

    report: Report
    on_packed: OnPacked
    on_note: OnNote


def unheard(*_: object) -> None:
    """Nobody listens."""


UNHEARD = Listening(unheard, unheard, unheard)


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's folder and its pairs: packed, held out, and those that train as they were found."""

    folder: RunFolder
    pairs: PackedPairs
    held_out: HeldOut
    train: Iterable[Pair]


@contextmanager
def opened(
    order: Order[ParserRun] | Order[SpadeRun],
    place: Place,
    size: int,
    on_packed: OnPacked,
    lessons: Sequence[str] = (),
) -> Iterator[Opened]:
    """Lend a run's pairs at size×size. The first rank holds the run, and sees that it goes on from its recipe.

    `lessons` are digests of what else it learns from.
    """
    config, store, folder = order.config, ArtifactStore(order.cache), RunFolder(order.folder)
    if place.rank:
        train, held_out = chosen_pairs(config.data, order.base, config.seed)
        with packed(train, size, store, on_packed=on_packed) as pairs:
            yield Opened(folder, pairs, held_out, train)
        return
    with folder.locked():
        train, held_out = chosen_pairs(config.data, order.base, config.seed)
        identity, begun = identify(train), bool(checkpoint.found(folder.path))
        data = sha256_bytes(" ".join([identity.digest, *lessons]).encode()) if lessons else identity.digest
        if begun:
            folder.settle(config, data=data, begun=True)
        with packed(train, size, store, identity=identity, on_packed=on_packed) as pairs:
            if not begun:  # only now: a start that failed on a bad file is no start
                folder.settle(config, data=data, begun=False)
            yield Opened(folder, pairs, held_out, train)


def origin(name: str, images: int) -> dict[str, str]:
    """Return the metadata that says which run a weights file comes from."""
    return {"name": name, "images_shown": str(images), "facesynth": __version__}
