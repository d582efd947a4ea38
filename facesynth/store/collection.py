"""Garbage collection: mark what recent runs used, sweep the rest, least recently used first."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.refs import Digest
from facesynth.store.artifacts import put_away
from facesynth.store.entries import ASIDE, MANIFEST, Entry, stage_names
from facesynth.store.inspection import Damage, list_entries
from facesynth.store.run_log import run_logs, used_by

SAFE = 3600.0
"""Seconds. An entry made or used since then may belong to a run in progress, and a log written since then to it."""

LEFTOVER = 86400.0
"""Seconds after which a half-written entry has nobody left who would finish it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed (or, on a dry run, would have), and what remains. Sizes in bytes."""

    removed: int
    freed: int
    kept: int
    kept_size: int
    leftovers: int
    logs: int


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    used: float
    folder: Path
    size: int


def collect(
    root: Path,
    *,
    keep_last: int = 3,
    max_size: int | None = None,
    older_than: float | None = None,
    dry_run: bool = False,
    now: float | None = None,
) -> Collected:
    """Remove entries that none of the last `keep_last` runs used; all of them, or as many as the limits ask for.

    `older_than` (seconds since last use) removes those that are older; `max_size` (bytes) removes the least recently
    used until the cache fits. Entries used within the last hour always stay. Damaged entries go whatever the limits.
    """
    now = time.time() if now is None else now
    logs = run_logs(root)
    kept_logs = [log for index, log in enumerate(logs) if index < keep_last or _age(log, now) < SAFE]
    marked = {noted for log in kept_logs for noted in used_by(log)}
    candidates, kept, kept_size = [], 0, 0
    damaged = []
    for found, stage, key in _all(root):
        if isinstance(found, Damage):
            if _age(found.folder, now) >= SAFE:
                damaged.append(_Candidate(0.0, found.folder, 0))
        elif (stage, key) in marked or now - found.used < SAFE:
            kept, kept_size = kept + 1, kept_size + found.size
        else:
            candidates.append(_Candidate(found.used, found.folder, found.size))
    doomed = damaged + _doomed(sorted(candidates), kept_size, max_size, older_than, now)
    stale_logs = [log for log in logs if log not in kept_logs]
    leftovers = [path for path in _leftovers(root) if _age(path, now) >= LEFTOVER]
    if not dry_run:
        doomed = [item for item in doomed if _remove(root, item)]
        for path in leftovers:
            shutil.rmtree(path, ignore_errors=True)
        for log in stale_logs:
            log.unlink(missing_ok=True)
    freed = sum(item.size for item in doomed)
    total, total_size = kept + len(candidates) + len(damaged), kept_size + sum(item.size for item in candidates)
    return Collected(
        removed=len(doomed),
        freed=freed,
        kept=total - len(doomed),
        kept_size=total_size - freed,
        leftovers=len(leftovers),
        logs=len(stale_logs),
    )


def _all(root: Path) -> Iterator[tuple[Entry | Damage, str, Digest]]:
    for stage in stage_names(root):
        for entry in list_entries(root, stage):
            yield entry, stage, entry.folder.name


def _doomed(
    candidates: list[_Candidate], kept_size: int, max_size: int | None, older_than: float | None, now: float
) -> list[_Candidate]:
    if max_size is None and older_than is None:
        return candidates
    size = kept_size + sum(item.size for item in candidates)
    doomed = []
    for item in candidates:  # oldest use first, so both limits cut at one point
        too_old = older_than is not None and now - item.used > older_than
        too_much = max_size is not None and size > max_size
        if not (too_old or too_much):
            break
        doomed.append(item)
        size -= item.size
    return doomed


def _remove(root: Path, item: _Candidate) -> bool:
    """Remove an entry unless it was used since it was listed."""
    try:
        used = (item.folder / MANIFEST).stat().st_mtime
    except FileNotFoundError:
        used = item.used
    if item.used and used > item.used:
        return False
    put_away(root, item.folder)
    return True


def _leftovers(root: Path) -> list[Path]:
    try:
        return list((root / ASIDE).iterdir())
    except FileNotFoundError:
        return []


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
