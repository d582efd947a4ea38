"""Memory-mapped arrays that are made once, kept in the store, and lent to whoever reads them."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from facesynth.core.errors import CacheError
from facesynth.store import ArtifactStore, Entry, Recipe, discard, pinned, written_to

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """The arrays of an entry by the names of their files, the main one first, and `what` they hold, for messages."""

    what: str
    arrays: Mapping[str, tuple[tuple[int, ...], DTypeLike]]

    @property
    def size(self) -> int:
        """Bytes in all of them."""
        return sum(math.prod(shape) * np.dtype(kind).itemsize for shape, kind in self.arrays.values())


@contextmanager
def kept_arrays(store: ArtifactStore, recipe: Recipe, plan: Plan, fill: Callable[[Arrays], None]) -> Iterator[Arrays]:
    """Lend the arrays of a recipe, filled now or before; `cache gc` leaves them alone meanwhile.

    Their bytes, all read once, are those that were made, or they are made anew. What `fill` raises goes on, and nothing
    stays of what it wrote. CacheError where they do not fit on the disk, or where the cache cannot be written.
    """
    entry = _whole(store.lookup(recipe.stage, recipe.key()), store.root)
    if entry is None:
        entry = _make(store, recipe, plan, fill)
    with pinned(store, recipe.stage, recipe.key()):
        yield {name: np.load(entry.folder / name, mmap_mode="r") for name in plan.arrays}


def _whole(entry: Entry | None, root: Path) -> Entry | None:
    """The entry if its bytes are those that were made; a damaged one is thrown away."""
    if entry is not None:
        try:
            entry.check()
        except CacheError:
            with written_to(root):
                discard(entry.folder)
            return None
    return entry


def _make(store: ArtifactStore, recipe: Recipe, plan: Plan, fill: Callable[[Arrays], None]) -> Entry:
    with store.workplace() as place:
        _require_space(place, plan, store.root)
        _write(place, plan, fill, store.root)
        files = {name: place / name for name in plan.arrays}
        return store.publish(recipe, files, main=next(iter(files)), move=True)


def _require_space(place: Path, plan: Plan, root: Path) -> None:
    """Raise CacheError where the arrays cannot fit: to fill a mapped file on a full disk kills the process."""
    free = shutil.disk_usage(place).free
    if plan.size > free:
        what = f"{plan.what} need {plan.size / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free"
        raise CacheError(what, where=root, hint="free some space, or choose another folder with --cache DIR")


def _write(place: Path, plan: Plan, fill: Callable[[Arrays], None], root: Path) -> None:
    """Write the arrays. Afterwards nothing maps their files: Windows moves no file that someone has open."""
    with written_to(root):
        arrays = {name: _new_array(place / name, shape, kind) for name, (shape, kind) in plan.arrays.items()}
    fill(arrays)
    with written_to(root):
        for array in arrays.values():
            array.flush()


def _new_array(path: Path, shape: tuple[int, ...], kind: DTypeLike) -> np.memmap:
    """A new mapped array, whose place on the disk is taken at once where the system can do that."""
    array = np.lib.format.open_memmap(path, "w+", kind, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            try:
                os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):  # the file system's inability
                    raise
    return array
