"""Damage as a disk does it: a byte changes, while the file's size and times stay."""

from __future__ import annotations

import os
from pathlib import Path

from facesynth.store import Damage, verify
from facesynth.store.entries import MANIFEST


def flip(path: Path, at: int = -1) -> None:
    """Change one byte of a file."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def artifact_files(root: Path, stage: str = "*") -> list[Path]:
    """Every file of every artifact of a cache, or of a stage's, manifests apart; there are some."""
    files = sorted(path for path in root.glob(f"{stage}/??/*/*") if path.name != MANIFEST)
    assert files
    return files


def damaged(root: Path) -> list[str]:
    """What `cache verify` finds wrong, as the stages of the damaged entries."""
    return sorted(found.folder.parents[1].name for found in verify(root) if isinstance(found, Damage))
