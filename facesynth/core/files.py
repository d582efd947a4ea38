"""Files as a whole: input files as bytes, refused here where they are not to be read, and files that are replaced in
one step. No numpy, no Pillow."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import ImageError, OutputError

MAX_BYTES = 1 << 30
"""Bytes that an image file may have."""


def read_file(path: Path) -> bytes:
    """Read a whole image file; ImageError when it is no ordinary file, cannot be read, or exceeds MAX_BYTES."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _no_file(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ImageError("not an ordinary file", where=path)
        if status.st_size > MAX_BYTES:
            raise ImageError(f"{status.st_size} bytes are more than {MAX_BYTES}", where=path)
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})", where=path) from error
    except ValueError as error:
        raise ImageError("no file has such a name", where=path) from error


def _no_file(folder: Path) -> ImageError:
    """What is wrong with a folder in the place of an image; `scan` lists those that it could not open."""
    try:
        os.scandir(folder).close()
    except OSError:
        return ImageError("a folder that cannot be listed", where=folder, hint="check its permissions")
    return ImageError("a folder, not an image", where=folder)


@contextlib.contextmanager
def replacing(path: Path, *, hint: str | None = None) -> Iterator[Path]:
    """Lend a name beside `path` to write a draft to; when the block ends, it becomes `path` by one rename.

    Nobody ever sees half a file, whoever else writes it meanwhile, and a block that raises leaves `path` as it was and
    no draft. The draft's name is hidden, random and ends in `.part`; missing folders are made. An OSError, inside the
    block too, becomes an OutputError with this `hint`.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            os.replace(draft, path)
        finally:
            with contextlib.suppress(OSError):  # the fault that led here is the one to tell
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", where=path, hint=hint) from error
