"""What the row of a face depends on, as a digest that tells whether it has to be made anew."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from facesynth.datasets.importing.layout import Entry

Stamp = tuple[int, int, int, int] | None


def stamp(path: Path) -> Stamp:
    """The size of a file, its times in nanoseconds (of its bytes and, where the system keeps that, of any change), and
    its place on the disk; None where there is no such file.

    Other bytes of the same size may be put under the old time of the bytes, but not unseen by the other two.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def basis_of(entry: Entry) -> str:
    """A digest of all that the row of an entry depends on: its files' names and stamps, and what lists say."""
    files = [[os.path.abspath(path), stamp(path)] for path in entry.files]
    told = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "files"}
    return hashlib.sha256(json.dumps([files, told], default=_spelled).encode()).hexdigest()


def _spelled(value: object) -> object:
    """What JSON does not know of itself: other mappings than dict, and paths."""
    return dict(value) if isinstance(value, Mapping) else str(value)
