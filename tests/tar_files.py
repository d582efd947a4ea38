"""Archives as tests make and open them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def pack(path: Path, **members: bytes) -> Path:
    """Write files into an archive; `_dot_` in their names stands for a dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            told = tarfile.TarInfo(name.replace("_dot_", "."))
            told.size = len(data)
            archive.addfile(told, io.BytesIO(data))
    return path


def unpacked(path: Path) -> dict[str, bytes]:
    """The files in an archive by their names."""
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
