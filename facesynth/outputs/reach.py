"""Whether a pattern that names inputs, such as `photos/*`, reaches into the output folder: now or after this run."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePath

from facesynth.core.archives import ARCHIVE_SUFFIX
from facesynth.core.sources import SourceFile

_WRITTEN = frozenset({".png", ".webp"})
"""The suffixes of results that could be taken for inputs."""


def pattern_reaches(
    pattern: str | Path, target: Path, sources: Iterable[SourceFile], *, archives: bool = False
) -> bool:
    """Whether a glob pattern could name results in `target`, a resolved path, or one of the `sources` it found is one.

    Results are pictures, and `archives` of them.

    False for what is no pattern. A folder around the pattern's own fixed part is not reached by that alone, as with an
    output folder around an input folder.
    """
    given = Path(pattern)
    if not glob.has_magic(str(given)) or os.path.lexists(given):
        return False
    fixed = next(index for index, part in enumerate(given.parts) if glob.has_magic(part))
    root, wanted = Path(*given.parts[:fixed]), given.parts[fixed:]
    real = Path(os.path.realpath(root))
    if target.is_relative_to(real):
        written = _WRITTEN | {ARCHIVE_SUFFIX} if archives else _WRITTEN
        return _may_match(wanted, target.relative_to(real).parts, written) or _found_in(target, root, wanted, sources)
    return not real.is_relative_to(target) and _found_in(target, root, wanted, sources)


def _found_in(target: Path, root: Path, wanted: Sequence[str], sources: Iterable[SourceFile]) -> bool:
    """Whether the pattern has found a file below `target`, by a link too."""
    real = Path(os.path.realpath(root))
    if real == target or not target.is_dir():
        return False
    known: dict[Path, bool] = {}
    for source in sources:
        folder = source.path.parent
        if folder.is_relative_to(root) and _names(wanted, source.path.relative_to(root).parts):
            if folder not in known:
                known[folder] = Path(os.path.realpath(folder)).is_relative_to(target)
            if known[folder]:
                return True
    return False


def _may_match(wanted: Sequence[str], folder: Sequence[str], written: Collection[str]) -> bool:
    """Whether a pattern's parts name a folder, a folder around it, or what may be written below it."""
    if any(part.startswith(".") for part in folder):  # patterns pass hidden folders by
        return False
    if not wanted:
        return True
    if not folder:
        suffix = PurePath(wanted[-1]).suffix
        return not suffix or glob.has_magic(suffix) or suffix.lower() in written
    if wanted[0] == "**":
        return _may_match(wanted[1:], folder, written) or _may_match(wanted, folder[1:], written)
    return fnmatch.fnmatch(folder[0], wanted[0]) and _may_match(wanted[1:], folder[1:], written)


def _names(wanted: Sequence[str], file: Sequence[str]) -> bool:
    """Whether a pattern's parts name a file, or a folder around it."""
    if not wanted or not file:
        return not wanted
    if wanted[0] == "**":
        return _names(wanted[1:], file) or _names(wanted, file[1:])
    return fnmatch.fnmatch(file[0], wanted[0]) and _names(wanted[1:], file[1:])
