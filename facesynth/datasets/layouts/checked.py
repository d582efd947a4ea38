"""Files of a dataset, opened to see that they are whole."""

from __future__ import annotations

from pathlib import Path

from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.core.image_files import load_image
from facesynth.core.refs import Digest, sha256_bytes


def is_there(path: Path) -> bool:
    """Whether a file or folder is there. InputError where that cannot be seen (a folder above it may not be read)."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=path) from error
    return True


def check_image(path: Path) -> tuple[Digest, tuple[int, int]]:
    """Decode an image and return the sha256 of its bytes and its (width, height), upright.

    InputError where it is missing, ImageError where it is damaged.
    """
    if not is_there(path):
        raise InputError("no image", where=path)
    data = read_file(path)
    return sha256_bytes(data), load_image(data, str(path)).size
