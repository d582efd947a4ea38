"""From what a user names (files, folders, patterns) to a sorted list of files."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.errors import UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to work on: where it lies, and its name relative to the folder it was found in, which outputs mirror."""

    path: Path
    relative: PurePosixPath


def scan(inputs: Sequence[str | Path], *, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[SourceFile]:
    """List the files that `inputs` stand for, each once, sorted by relative name, whatever the order of `inputs`.

    A file is taken whatever its suffix; a folder recursively, a pattern (`*`, `?`, `[…]`, `**`) by its matches, of both
    only files with a suffix in `suffixes` (lower case) and no hidden ones. Links are followed, each folder is entered
    once. What looks like an image but cannot be read is listed, so that reading it names the fault, and so is a folder
    that cannot be opened. Raises UsageError for a missing path and when nothing is found.
    """
    folders: dict[Path, Path] = {}  # as found → without links
    found: dict[tuple[Path, str], SourceFile] = {}
    for given in inputs:
        for source in _expand(given, frozenset(suffixes)):
            parent = source.path.parent
            if parent not in folders:
                folders[parent] = parent.resolve()
            key = folders[parent], source.path.name
            if key not in found or _rank(source, key[0]) < _rank(found[key], key[0]):
                found[key] = source
    if not found:
        raise UsageError(
            f"no files ending in {' '.join(sorted(suffixes))}", where=", ".join(str(given) for given in inputs) or None
        )
    return sorted(found.values(), key=lambda source: (source.relative.parts, str(source.path)))


def _rank(source: SourceFile, folder: Path) -> tuple[bool, int, str]:
    """Of several ways to one file prefer that without links, then the longer relative name: it mirrors the tree."""
    return source.path.parent.absolute() != folder, -len(source.relative.parts), str(source.path)


def _expand(given: str | Path, suffixes: frozenset[str]) -> Iterator[SourceFile]:
    path = Path(given)
    if _is_folder(path):
        yield from _walk(path, path, suffixes)
    elif os.path.lexists(path):  # an existing file wins over a pattern: photo[1].jpg is a common name
        yield SourceFile(path, PurePosixPath(path.name))
    elif glob.has_magic(str(given)):
        yield from _matches(path, suffixes)
    else:
        raise UsageError("no such file or folder", where=path)


def _matches(pattern: Path, suffixes: frozenset[str]) -> Iterator[SourceFile]:
    fixed = next(index for index, part in enumerate(pattern.parts) if glob.has_magic(part))
    root = Path(*pattern.parts[:fixed])
    for match in sorted(root.glob(str(Path(*pattern.parts[fixed:])))):
        if any(part.startswith(".") for part in match.relative_to(root).parts):
            continue
        if _is_folder(match):
            yield from _walk(match, root, suffixes)
        elif match.suffix.lower() in suffixes:
            yield _below(match, root)


def _walk(top: Path, root: Path, suffixes: frozenset[str]) -> Iterator[SourceFile]:
    """Yield the files below `top`; linked folders come last, so that a folder is known by its own name first."""
    entered: set[tuple[int, int]] = set()
    folders: list[Path] = [top]
    linked: list[Path] = []
    while folders or linked:
        folder = folders.pop() if folders else linked.pop(0)
        try:
            identity = folder.stat()
            if (identity.st_dev, identity.st_ino) in entered:
                continue
            entered.add((identity.st_dev, identity.st_ino))
            with os.scandir(folder) as entries:
                listing = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield _below(folder, root)
            continue
        for entry in listing:
            if entry.name.startswith("."):
                continue
            path = folder / entry.name
            if entry.is_symlink() and _is_folder(path):
                linked.append(path)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif path.suffix.lower() in suffixes:
                yield _below(path, root)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # whoever reads it will say why


def _below(path: Path, root: Path) -> SourceFile:
    relative = PurePosixPath(*path.relative_to(root).parts)
    return SourceFile(path, relative if relative.parts else PurePosixPath(path.name))
