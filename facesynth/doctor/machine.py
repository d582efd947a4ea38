"""Memory, shared memory, and folders that have to be written to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from facesynth.doctor.check import GIB, Check, spelled

SHARED = Path("/dev/shm")
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit is told: by cgroups of version 2, and of version 1."""


def check_memory() -> Iterator[Check]:
    """The memory that this process may use: the machine's, or its container's limit where that is lower."""
    sizes: list[int] = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in LIMITS:
        try:
            text = limit.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdigit():
            sizes.append(int(text))
    if not sizes:
        yield Check("memory", "ok", "not told by this system")
        return
    found = f"{min(sizes) / GIB:.1f} GiB"
    if min(sizes) < 4 * GIB:
        yield Check("memory", "warning", found, "4 GiB are needed at the default settings; try --batch-size 1")
    else:
        yield Check("memory", "ok", found)


def check_shared_memory() -> Iterator[Check]:
    """The room through which processes hand each other tensors: containers have 64 MB of it, unless told otherwise."""
    if sys.platform != "linux":
        return
    advice = "GPUs that train together need more; in a container: docker run --shm-size 1g"
    try:
        size = shutil.disk_usage(SHARED).total
    except OSError as error:
        yield Check("shared memory", "warning", f"{SHARED} cannot be used ({error.strerror or error})", advice)
        return
    found = f"{spelled(size)} in {SHARED}"
    yield Check("shared memory", "ok", found) if size >= GIB // 4 else Check("shared memory", "warning", found, advice)


def check_disk(name: str, folder: Path, other: str) -> Iterator[Check]:
    """Whether files can be written and renamed in a folder, or where it would be made, and the room that is left.

    `other` is how another folder is chosen.
    """
    existing = next((place for place in (folder, *folder.absolute().parents) if os.path.exists(place)), Path(os.sep))
    advice = f"choose another folder: {other}"
    try:
        with tempfile.TemporaryDirectory(prefix=".facesynth-doctor-", dir=existing) as trial:
            draft = Path(trial) / "draft"
            draft.write_bytes(b"x")
            draft.replace(Path(trial) / "published")
        free = shutil.disk_usage(existing).free
    except OSError as error:
        yield Check(name, "problem", f"{folder} cannot be written ({error.strerror or error})", advice)
        return
    found = f"{folder}, {spelled(free)} free"
    if free < GIB:
        yield Check(name, "problem", found, advice)
    elif free < 5 * GIB:
        yield Check(name, "warning", found, f"a large run may need more; {advice}")
    else:
        yield Check(name, "ok", found)
