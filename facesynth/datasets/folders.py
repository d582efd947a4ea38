"""The images that lie in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.core.scan import walk


def images_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of all images below a folder, sorted by path.

    A name is the path without suffix, `/` between its parts; two files may share one. Hidden files and folders
    (`.ipynb_checkpoints`) are passed by, links followed. UsageError names a folder that cannot be listed.
    """

    def refuse(place: Path, error: OSError) -> None:
        what = f"cannot be listed ({error.strerror or error})"
        raise UsageError(what, where=place, hint="check its permissions") from error

    for path in sorted(place / name for place, names in walk(folder, refuse) for name in names):
        yield path.relative_to(folder).with_suffix("").as_posix(), path
