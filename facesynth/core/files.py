"""Input files as bytes: the one place where a file that is not to be read is refused. No numpy, no Pillow."""

from __future__ import annotations

import stat
from pathlib import Path

from facesynth.core.errors import ImageError

MAX_BYTES = 1 << 30
"""Bytes that an image file may have."""


def read_file(path: Path) -> bytes:
    """Read a whole image file; ImageError when it is no ordinary file, cannot be read, or exceeds MAX_BYTES."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):  # scan lists the folders that it could not open
            raise ImageError("a folder that cannot be listed", where=path, hint="check its permissions")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ImageError("not an ordinary file", where=path)
        if status.st_size > MAX_BYTES:
            raise ImageError(f"{status.st_size} bytes are more than {MAX_BYTES}", where=path)
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})", where=path) from error
