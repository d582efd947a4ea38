"""What the row of a face depends on, as a digest that tells whether it has to be made anew."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from facesynth.datasets.importing.layout import Entry

Stamp = tuple[int, int] | None


def stamp(path: Path) -> Stamp:
    """The size of a file and its time in nanoseconds; None where there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def basis_of(entry: Entry) -> str:
    """A digest of all that the row of an entry depends on: its files' names, sizes and times, and what lists say."""
    files = [[os.path.abspath(path), stamp(path)] for path in entry.files]
    told = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "files"}
    return hashlib.sha256(json.dumps([files, told], default=_spelled).encode()).hexdigest()


def _spelled(value: object) -> object:
    """What JSON does not know of itself: other mappings than dict, and paths."""
    return dict(value) if isinstance(value, Mapping) else str(value)
