"""Looking at a cache: what it holds, one entry of it, and whether every byte is still right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import CacheError
from facesynth.core.refs import sha256_bytes
from facesynth.store.artifacts import put_away
from facesynth.store.entries import Entry, entry_folders, read_entry, stage_names
from facesynth.store.recipes import canonical_json


@dataclass(frozen=True, slots=True)
class StageUse:
    """What a stage keeps: entries, how many of them are rejections or damaged, and bytes of files."""

    stage: str
    entries: int
    rejected: int
    damaged: int
    size: int


@dataclass(frozen=True, slots=True)
class Damage:
    """An entry that is not what it says."""

    folder: Path
    reason: str


def list_entries(root: Path, stage: str) -> Iterator[Entry | Damage]:
    """Every entry of a stage, as a lookup would find it, in no order."""
    for folder in entry_folders(root, stage):
        if (found := look_at(folder, stage)) is not None:
            yield found


def look_at(folder: os.DirEntry[str], stage: str) -> Entry | Damage | None:
    """The entry in a folder, as a lookup would find it; None where it has been removed in the meantime."""
    try:
        return read_entry(folder.path, stage, folder.name)
    except FileNotFoundError:
        return Damage(Path(folder.path), "the manifest is missing") if os.path.isdir(folder.path) else None
    except (OSError, CacheError) as error:
        return Damage(Path(folder.path), error.what if isinstance(error, CacheError) else str(error))


def summarize(root: Path) -> list[StageUse]:
    """One row a stage, by name."""
    return [_use(root, stage) for stage in stage_names(root)]


def _use(root: Path, stage: str) -> StageUse:
    count = rejected = damaged = size = 0
    for entry in list_entries(root, stage):
        count += 1
        if isinstance(entry, Damage):
            damaged += 1
        else:
            rejected += entry.rejected is not None
            size += entry.size
    return StageUse(stage, count, rejected, damaged, size)


def find(root: Path, prefix: str) -> Entry:
    """The one entry whose key starts with `prefix`. Raises CacheError for none, several, or a damaged one."""
    prefix = prefix.lower()
    found = [
        (stage, folder)
        for stage in stage_names(root)
        for folder in entry_folders(root, stage)
        if folder.name.startswith(prefix)
    ]
    if not found:
        raise CacheError(f"no entry's key starts with {prefix!r}", where=root, hint="run: facesynth cache ls STAGE")
    if len(found) > 1:
        raise CacheError(f"{len(found)} entries' keys start with {prefix!r}", where=root, hint="give more of the key")
    ((stage, folder),) = found
    try:
        return read_entry(folder.path, stage, folder.name)
    except OSError as error:
        raise CacheError("the manifest is missing", where=folder.path) from error


def verify(root: Path, *, remove: bool = False) -> Iterator[Entry | Damage]:
    """Every entry, all its bytes hashed again and its recipe compared with its key; `remove` deletes the damaged ones.

    A lookup sees by itself what is missing or cut short, and a run that reads a file sees whether its bytes are right;
    this reads all files.
    """
    for stage in stage_names(root):
        for entry in list_entries(root, stage):
            reason = entry.reason if isinstance(entry, Damage) else _fault(entry)
            if reason is None:
                yield entry
                continue
            if remove:
                put_away(root, entry.folder)
            yield Damage(entry.folder, reason)


def _fault(entry: Entry) -> str | None:
    try:
        entry.check()
        recipe = canonical_json(entry.manifest()["recipe"])
        return None if sha256_bytes(recipe) == entry.key else "the recipe differs from the key"
    except CacheError as error:
        return error.what.removeprefix("the cached ")
    except OSError as error:
        return str(error)
