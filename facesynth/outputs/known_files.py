"""Which files are inputs, under whatever name: eight bytes for each."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class KnownFiles:
    """The files at `paths`, as the file system tells them apart; names of which there is no file are passed over.

    What is held of each is a hash of 64 bits. In the rare case that a file which is none of them has the hash of one,
    it would be refused as an output, and nothing would be lost.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        held = array("q")
        for path in paths:
            with contextlib.suppress(OSError, ValueError):  # whoever reads it says why
                held.append(_identity(os.stat(path)))
        self._held = np.frombuffer(held, np.int64) if held else np.empty(0, np.int64)
        self._held.sort()

    def __contains__(self, found: os.stat_result) -> bool:
        """Whether what was found somewhere is one of them."""
        identity = _identity(found)
        place = int(np.searchsorted(self._held, identity))
        return place < len(self._held) and int(self._held[place]) == identity


def _identity(found: os.stat_result) -> int:
    return hash((found.st_dev, found.st_ino))
