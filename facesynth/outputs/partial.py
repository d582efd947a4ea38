"""The folders that files are written in before they are put in place: one a run, and those of dead runs removed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from pathlib import Path

from facesynth.core.processes import born, is_alive, machine

_STALE_SECONDS = 3600
_NAME = re.compile(r"\.partial-([0-9a-f]{8})-(\d+)-(?:(\d+)-)?[0-9a-f]{8}")
"""Of which processes, which one of them, when it was born where the system says that, and which of its folders; what is
called otherwise is somebody else's."""


def partial_folder(folder: Path) -> Path:
    """A name for such a folder below `folder` that no other run has, on this machine or another."""
    own = os.getpid()
    told = [machine(), str(own), born(own) or "", uuid.uuid4().hex[:8]]
    return folder / f".partial-{'-'.join(filter(None, told))}"


def remove_stale(folder: Path) -> None:
    """Remove what runs that were killed have left.

    A run of this machine is known to be dead or alive, however long it has been at one thing. One of another machine is
    taken for dead where nothing was put there for an hour; if it is at work all the same it makes its folder again.
    """
    here = machine()
    for left in folder.glob(".partial-*"):
        match = _NAME.fullmatch(left.name)
        if match is None:
            continue
        try:
            known = match[1] == here and os.name == "posix"  # elsewhere `is_alive` does not tell
            if _is_over(match) if known else _is_old(left):
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue


def processes_at_work(folder: Path) -> tuple[int, ...]:
    """The processes of this machine that write in a folder now, as far as they have begun to."""
    here, found = machine(), set[int]()
    with contextlib.suppress(OSError):
        matches = (_NAME.fullmatch(left.name) for left in folder.glob(".partial-*"))
        found = {int(match[2]) for match in matches if match and match[1] == here and not _is_over(match)}
    return tuple(sorted(found))


def _is_over(match: re.Match[str]) -> bool:
    """Whether the process of this machine whose folder is called so is dead, another one of its number or none."""
    process = int(match[2])
    return not is_alive(process) or (match[3] is not None and match[3] != born(process))


def _is_old(left: Path) -> bool:
    return time.time() - left.stat().st_mtime > _STALE_SECONDS
