"""The folders that files are written in before they are put in place: one a run, and those of dead runs removed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
import uuid
from pathlib import Path

from facesynth.core.refs import sha256_bytes

_STALE_SECONDS = 3600
_NAME = re.compile(r"\.partial-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
"""Of which processes, which one of them, and which of its folders; what is called otherwise is somebody else's."""


def partial_folder(folder: Path) -> Path:
    """A name for such a folder below `folder` that no other run has, on this machine or another."""
    return folder / f".partial-{_processes()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def remove_stale(folder: Path) -> None:
    """Remove what runs that were killed have left: known as dead at once, else where nothing was put there for an hour.

    A run that is at work all the same makes its folder again.
    """
    processes = _processes()
    for left in folder.glob(".partial-*"):
        match = _NAME.fullmatch(left.name)
        if match is None:
            continue
        try:
            if (
                match[1] == processes and not _alive(int(match[2]))
            ) or time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue


def _processes() -> str:
    """What tells the processes that are seen here from those of another machine, or container, of the same name."""
    told = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            told.append(os.readlink(place) if os.path.islink(place) else Path(place).read_text(encoding="ascii"))
        except OSError:
            continue  # not Linux, which alone has containers
    return sha256_bytes("\n".join(told).encode())[:8]


def _alive(process: int) -> bool:
    if os.name != "posix":  # signal 0 would end a process on Windows
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
