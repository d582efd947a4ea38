"""From what a user names (files, folders, patterns) to a sorted list of files, and the one walk through folders."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
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


def walk(
    top: Path,
    on_error: Callable[[Path, OSError], None],
    *,
    suffixes: Collection[str] = IMAGE_SUFFIXES,
    links: bool = True,
    hidden: bool = False,
    without: Collection[Path] = (),
) -> Iterator[tuple[Path, list[str]]]:
    """Yield `top` and each folder below it with the sorted names of its files that have one of the suffixes.

    Each folder is entered once, those `without` never; linked ones (with `links`) come last, so that a folder is known
    by its own name first. Hidden files and folders are passed by unless `hidden`. `on_error` hears of each folder that
    cannot be listed, and may raise; else the walk goes on.
    """
    entered = {identity for folder in without if (identity := _identity(folder)) is not None}
    folders, linked = [top], deque[Path]()
    while folders or linked:
        folder = folders.pop() if folders else linked.popleft()
        if (identity := _identity(folder)) in entered:
            continue
        below: list[str] = []
        names: list[str] = []
        away: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") and not hidden:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
                    elif entry.is_symlink() and _is_folder(folder / entry.name):
                        away.append(entry.name)
                    elif os.path.splitext(entry.name)[1].lower() in suffixes:
                        names.append(entry.name)
        except OSError as error:
            on_error(folder, error)
            continue
        if identity is not None:
            entered.add(identity)
        folders += [folder / name for name in sorted(below, reverse=True)]
        if links:
            linked += [folder / name for name in sorted(away)]
        yield folder, sorted(names)


def _identity(folder: Path) -> tuple[int, int] | None:
    """What a folder is under all of its names; None where the system does not say."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


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
    """Yield the files below `top`, and the folders that cannot be listed."""
    unlisted: list[Path] = []
    for folder, names in walk(top, lambda folder, _: unlisted.append(folder), suffixes=suffixes):
        yield from (_below(folder / name, root) for name in names)
    yield from (_below(folder, root) for folder in unlisted)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # whoever reads it will say why


def _below(path: Path, root: Path) -> SourceFile:
    relative = PurePosixPath(*path.relative_to(root).parts)
    return SourceFile(path, relative if relative.parts else PurePosixPath(path.name))
