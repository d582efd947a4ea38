"""Text written as a whole: an older file is replaced in one step, or stays as it was."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from facesynth.core.errors import OutputError


def check_writable(path: Path) -> None:
    """Raise OutputError unless a file can be made under this name, before long work is done for it."""
    if path.is_dir():
        raise OutputError("a folder is there", where=path, hint="give the name of a file")
    _aside(path, "").unlink()


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file; folders that are missing are made. OutputError where that cannot be."""
    aside = _aside(path, text)
    try:
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _failed(path, error) from error


def _aside(path: Path, text: str) -> Path:
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _failed(path, error) from error
    return aside


def _failed(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot be written ({error.strerror or error})", where=path)
