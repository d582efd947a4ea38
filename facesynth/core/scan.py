"""From what a user names (files, folders, patterns, lists, archives) to sources, and the one walk through folders."""

from __future__ import annotations

import glob
import os
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath

from facesynth.core.archives import ARCHIVE_SUFFIX, LAST_SUFFIXES, is_archive
from facesynth.core.errors import UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.packed_names import PackedNames
from facesynth.core.path_lists import list_file, numbered_paths, read_list
from facesynth.core.sources import SourceArchive, SourceFile, SourceFolder, Sources

__all__ = ["SourceFile", "Sources", "scan", "walk"]


def scan(
    inputs: Sequence[str | Path], *, suffixes: Collection[str] = IMAGE_SUFFIXES, extension: str | None = None
) -> Sources:
    """Find the files that `inputs` stand for, each once, whatever the order of `inputs`.

    A file is taken whatever its suffix; a folder recursively, a pattern (`*`, `?`, `[…]`, `**`) by its matches, of both
    only files with a suffix in `suffixes` (lower case) and no hidden ones. Links are followed, each folder is entered
    once. `name-{000..120}` stands for all numbers of that range, and `@list.txt` for the files that it names (as
    `read_list` says), whose relative names are those below the list's own folder, elsewhere their whole path. A file
    that ends in .tar, wherever it was found, stands for the images in it; `extension` is `list_images`'. A compressed
    one (.tar.gz and the like) stands for itself, and reading it says what to do.

    What looks like an image but cannot be read is listed, so that reading it names the fault, and so is a folder that
    cannot be opened, and whatever a list names. Raises UsageError for a missing path, for a list that cannot be read,
    and when nothing is found.
    """
    found = _Found()
    for given in inputs:
        for top, root, names in _expand(given, frozenset(suffixes)):
            found.add(top, root, names)
    sources = Sources(*found.settled(), suffixes=suffixes, extension=extension)
    if not len(sources) and not sources.archives:
        what = f"no files ending in {' '.join([*sorted(suffixes), ARCHIVE_SUFFIX])}"
        raise UsageError(what, where=", ".join(str(given) for given in inputs) or None)
    return sources


class _Found:
    """Files by the folder that they were found in, under each of the names that it was found by."""

    def __init__(self) -> None:
        self._ways: dict[tuple[str, str], list[PackedNames | bytearray]] = {}

    def add(self, folder: Path, relative: PurePosixPath, names: Iterable[str]) -> None:
        """Note files of a folder, whose own place below the root of the search is `relative`."""
        held = self._ways.setdefault((str(folder), str(relative)), [])
        if isinstance(names, list):
            held.append(PackedNames(names))
            return
        if not held or not isinstance(held[-1], bytearray):
            held.append(bytearray())
        loose = held[-1]
        assert isinstance(loose, bytearray)
        for name in names:
            loose += os.fsencode(name) + b"\0"

    def settled(self) -> tuple[list[SourceFolder], list[SourceArchive]]:
        """Each file once: of several ways to it that without links, then that with the longer relative name."""
        ways: dict[Path, list[tuple[str, str]]] = defaultdict(list)
        for way in self._ways:
            ways[Path(way[0]).resolve()].append(way)
        folders, archives = [], []
        for real, some in ways.items():
            taken: set[str] = set()
            for way in sorted(some, key=lambda each: _rank(Path(each[0]), PurePosixPath(each[1]), real)):
                folder, relative = Path(way[0]), PurePosixPath(way[1])
                names = self._names(way)
                if len(some) > 1:
                    names = PackedNames(name for name in names if name not in taken)
                    taken.update(names)
                if names.may_hold(b".t"):  # as each archive's name does
                    packed = [name for name in names if is_archive(name)]
                    archives += [SourceArchive(folder / name, relative / name) for name in packed]
                    names = PackedNames(name for name in names if not is_archive(name)) if packed else names
                if names:
                    folders.append(SourceFolder(folder, relative, names))
        return folders, archives

    def _names(self, way: tuple[str, str]) -> PackedNames:
        held = self._ways.pop(way)
        if len(held) == 1 and isinstance(held[0], PackedNames):
            return held[0]
        loose = chain.from_iterable(part.split(b"\0") for part in held if isinstance(part, bytearray))
        listed = chain.from_iterable(part for part in held if isinstance(part, PackedNames))
        return PackedNames(listed, encoded=(bytes(name) for name in loose if name))


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


def _rank(folder: Path, relative: PurePosixPath, real: Path) -> tuple[bool, int, str]:
    """Of several ways to one file prefer that without links, then the longer relative name: it mirrors the tree."""
    return folder.absolute() != real, -len(relative.parts), str(folder)


_Part = tuple[Path, PurePosixPath, Iterable[str]]
"""A folder, its place below the root of the search, and names of files in it: all of them where they are a list."""


def _expand(given: str | Path, suffixes: frozenset[str]) -> Iterator[_Part]:
    path = Path(given)
    if _is_folder(path):
        yield from _walk(path, path, suffixes)
    elif os.path.lexists(path):  # an existing file wins over a pattern: photo[1].jpg is a common name
        yield path.parent, PurePosixPath(), (path.name,)
    elif (listed := list_file(given)) is not None:
        yield from _of_list(listed)
    elif (numbered := numbered_paths(str(given))) is not None:
        for one in numbered:
            yield from _expand(one, suffixes)
    elif glob.has_magic(str(given)):
        yield from _matches(path, suffixes)
    else:
        raise UsageError("no such file or folder", where=path)


def _of_list(file: Path) -> Iterator[_Part]:
    base = os.path.abspath(file.parent)
    for head, lines in groupby(map(os.path.split, read_list(file)), key=itemgetter(0)):
        folder = file.parent / head
        whole = Path(os.path.abspath(folder))
        below = whole.relative_to(base) if whole.is_relative_to(base) else whole.relative_to(whole.anchor)
        yield folder, PurePosixPath(*below.parts), (_file_name(file, *line) for line in lines)


def _file_name(file: Path, head: str, name: str) -> str:
    if name in ("", ".", ".."):
        raise UsageError(f"the list names a folder, {os.path.join(head, name)}", where=file, hint="name its files")
    return name


def _matches(pattern: Path, suffixes: frozenset[str]) -> Iterator[_Part]:
    fixed = next(index for index, part in enumerate(pattern.parts) if glob.has_magic(part))
    root = Path(*pattern.parts[:fixed])
    for match in sorted(root.glob(str(Path(*pattern.parts[fixed:])))):
        if any(part.startswith(".") for part in match.relative_to(root).parts):
            continue
        if _is_folder(match):
            yield from _walk(match, root, suffixes)
        elif match.suffix.lower() in suffixes or is_archive(match.name):
            yield match.parent, _below(match.parent, root), (match.name,)


def _walk(top: Path, root: Path, suffixes: frozenset[str]) -> Iterator[_Part]:
    """Yield the files below `top`, and the folders that cannot be listed."""
    unlisted: list[Path] = []
    for folder, found in walk(top, lambda folder, _: unlisted.append(folder), suffixes=suffixes | LAST_SUFFIXES):
        names = [name for name in found if os.path.splitext(name)[1].lower() in suffixes or is_archive(name)]
        if names:
            yield folder, _below(folder, root), names
    for folder in unlisted:
        yield folder.parent, _below(folder.parent, root) if folder != root else PurePosixPath(), (folder.name,)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # whoever reads it will say why


def _below(path: Path, root: Path) -> PurePosixPath:
    return PurePosixPath(*path.relative_to(root).parts)
