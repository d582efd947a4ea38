"""Which face of CelebA each of CelebAMask-HQ's is, as its published mapping says, and its official side by that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from facesynth.core.errors import ConfigError
from facesynth.datasets.manifest import SIDES

MAPPING = "CelebA-HQ-to-CelebA-mapping"
_ROW = re.compile(r"[0-9]{1,6} [0-9]{1,6} [0-9]{6}\.jpg")
"""idx, orig_idx, orig_file."""
_FIRST_VALIDATION, _FIRST_TEST = 162_771, 182_638
"""Where g_partition.py divides the mapping's orig_idx."""


def read_mapping(path: Path) -> Mapping[int, tuple[int, str]]:
    """Return of each number its place in CelebA's order, from 0, and the name of CelebA's file.

    ConfigError names the line that is damaged, or that repeats a number or a file.
    """
    originals: dict[int, tuple[int, str]] = {}
    hint = f"get {path.name} again, or move it away to go on without it"
    files: set[str] = set()
    with path.open(encoding="utf-8", errors="replace") as file:
        for line_number, line in enumerate(file, start=1):
            fields = line.split()
            if not fields or (line_number == 1 and fields[0] == "idx"):
                continue
            if _ROW.fullmatch(" ".join(fields)) is None:
                what = f"line {line_number}: a row is two numbers and a file, this one {line.strip()[:40]!r}"
                raise ConfigError(what, where=path, hint=hint)
            number, file_name = int(fields[0]), fields[2]
            if number in originals or file_name in files:
                twice = file_name if file_name in files else number
                raise ConfigError(f"line {line_number}: {twice} comes twice", where=path, hint=hint)
            originals[number] = int(fields[1]), file_name
            files.add(file_name)
    if not originals:
        raise ConfigError("no rows in it", where=path, hint=hint)
    return originals


def side_of(order: int) -> str:
    """Return the side of a place in CelebA's order, as g_partition.py divides it."""
    return SIDES[(order >= _FIRST_VALIDATION) + (order >= _FIRST_TEST)]
