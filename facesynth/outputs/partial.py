"""The folders that files are written in before they are put in place: one a run, and those of dead runs removed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from pathlib import Path

from facesynth.core.processes import is_alive, machine

_STALE_SECONDS = 3600
_NAME = re.compile(r"\.partial-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
"""Of which processes, which one of them, and which of its folders; what is called otherwise is somebody else's."""


def partial_folder(folder: Path) -> Path:
    """A name for such a folder below `folder` that no other run has, on this machine or another."""
    return folder / f".partial-{machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def remove_stale(folder: Path) -> None:
    """Remove what runs that were killed have left: known as dead at once, else where nothing was put there for an hour.

    A run that is at work all the same makes its folder again.
    """
    here = machine()
    for left in folder.glob(".partial-*"):
        match = _NAME.fullmatch(left.name)
        if match is None:
            continue
        try:
            if (
                match[1] == here and not is_alive(int(match[2]))
            ) or time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue


def processes_at_work(folder: Path) -> tuple[int, ...]:
    """The processes of this machine that write in a folder now, as far as they have begun to."""
    here, found = machine(), set[int]()
    with contextlib.suppress(OSError):
        matches = (_NAME.fullmatch(left.name) for left in folder.glob(".partial-*"))
        found = {int(match[2]) for match in matches if match and match[1] == here and is_alive(int(match[2]))}
    return tuple(sorted(found))
