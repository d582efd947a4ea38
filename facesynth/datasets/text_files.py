"""Text written as a whole: an older file is replaced in one step, or stays as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

from facesynth.core.errors import OutputError
from facesynth.core.files import replacing

_HEAD = 1 << 14
"""Bytes at a file's beginning that its mark is looked for in."""


def check_replaceable(path: Path, mark: str) -> None:
    """Raise OutputError unless a file can be made under this name, before long work is done for it.

    A file that is there may be replaced where it is empty, or an earlier one of the same kind: its beginning holds
    `mark`.
    """
    if path.is_dir():
        raise OutputError("a folder is there", where=path, hint="give the name of a file")
    try:
        if path.exists() and not (path.is_file() and _is_ours(path, mark)):
            raise OutputError("another file is there", where=path, hint="give a name that is free")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", where=path) from error


def _is_ours(path: Path, mark: str) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return not head or mark.encode() in head


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file; folders that are missing are made. OutputError where that cannot be."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
