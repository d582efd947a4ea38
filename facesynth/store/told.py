"""What the user of a cache has been told once and need not be told again: lines of a text file in its folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from facesynth.core.errors import CacheError
from facesynth.store.artifacts import ArtifactStore, written_to

TOLD = "told.txt"


def told(root: Path) -> frozenset[str]:
    """The lines that are remembered; none where they cannot be read, so that things are told once more."""
    try:
        return frozenset((root / TOLD).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return frozenset()


def remember(root: Path, lines: Iterable[str]) -> None:
    """Add lines, none of which holds a line break. A cache that cannot be written remembers nothing, silently."""
    with contextlib.suppress(CacheError), ArtifactStore(root).workplace() as aside, written_to(root):
        text = "".join(f"{line}\n" for line in sorted(told(root) | set(lines)))
        (aside / TOLD).write_text(text, encoding="utf-8")
        os.replace(aside / TOLD, root / TOLD)
