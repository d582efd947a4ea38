"""A quick look at a cache of any size: how much it holds, and whether a sample of it is whole."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import CacheError
from facesynth.store.collection import LEFTOVER
from facesynth.store.entries import ASIDE, Entry, entries_in, shard_folders, stage_names
from facesynth.store.inspection import Damage, look_at

SHARDS = 4
"""Of a stage's 256 that are counted. Keys are sha256, so entries lie in all of them alike."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was found; `entries` and `size` (bytes) are extrapolated unless `exact`, the rest is as counted.

    `checked` entries had all their bytes compared with their sha256. `leftovers` are half-written entries that nobody
    has touched for a day.
    """

    entries: int
    size: int
    exact: bool
    checked: int
    damaged: tuple[Damage, ...]
    leftovers: int
    leftover_size: int


def examine(root: Path, *, checks: int = 32, now: float | None = None) -> Sample:
    """Count entries in some of the shards, and read some of those entries whole.

    Raises CacheError for a folder that is no cache, OSError for one that may not be read.
    """
    count = size = 0.0
    exact = True
    whole: list[Entry] = []
    damaged: list[Damage] = []
    for stage in stage_names(root):
        shards = list(shard_folders(root, stage))
        chosen = random.sample(shards, min(len(shards), SHARDS))
        exact &= len(chosen) == len(shards)
        for shard in chosen:
            for folder in entries_in(shard):
                found = look_at(folder, stage)
                count += (found is not None) * len(shards) / len(chosen)
                if isinstance(found, Damage):
                    damaged.append(found)
                elif found is not None:
                    size += found.size * len(shards) / len(chosen)
                    whole.append(found)
    read = random.sample(whole, min(len(whole), checks))
    for entry in read:
        try:
            entry.check()
        except CacheError as error:
            damaged.append(Damage(entry.folder, error.what))
    left, left_size = _leftovers(root, time.time() if now is None else now)
    return Sample(round(count), round(size), exact, len(read), tuple(damaged), left, left_size)


def _leftovers(root: Path, now: float) -> tuple[int, int]:
    count = size = 0
    try:
        folders = [folder for folder in os.scandir(root / ASIDE) if now - folder.stat().st_mtime >= LEFTOVER]
    except FileNotFoundError:
        return 0, 0
    for folder in folders:
        count += 1
        for place, _, files in os.walk(folder.path):
            size += sum(os.lstat(os.path.join(place, file)).st_size for file in files)
    return count, size
