"""Processes of this machine, and of others, told apart: who has left something behind, and is he still at work?"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from facesynth.core.refs import sha256_bytes


def machine() -> str:
    """What tells the processes that are seen here from those of another machine, or container, of the same name."""
    told = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            told.append(os.readlink(place) if os.path.islink(place) else Path(place).read_text(encoding="ascii"))
        except OSError:
            continue  # not Linux, which alone has containers
    return sha256_bytes("\n".join(told).encode())[:8]


def is_alive(process: int) -> bool:
    """Whether there is a process of that number on this machine; on Windows it is taken to be."""
    if os.name != "posix":  # signal 0 would end a process on Windows
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def born(process: int) -> str | None:
    """What tells a process from a later one of the same number; None where the system does not say, or it is gone."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return told.rpartition(")")[2].split()[19]  # the 22nd field: clock ticks between boot and its start
    except (OSError, IndexError):
        return None
