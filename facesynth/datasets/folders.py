"""The images that lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES


def images_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of all images below a folder, sorted by path.

    A name is the path without suffix, `/` between its parts; two files may share one. Hidden files and folders
    (`.ipynb_checkpoints`) are passed by, links to folders not followed. UsageError names a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise UsageError(f"cannot be read ({error.strerror or error})", where=error.filename or folder) from error

    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.suffix.lower() in IMAGE_SUFFIXES:
                found.append(path)
    for path in sorted(found):
        yield path.relative_to(folder).with_suffix("").as_posix(), path
