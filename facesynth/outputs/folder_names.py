"""The names of results by the folders that their inputs lie in: what most names are needs no memory at all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TypeAlias

from facesynth.core.refs import sha256_bytes
from facesynth.core.sources import SourceArchive, SourceFile, SourceFolder, Sources
from facesynth.outputs.names import FACE_TAIL, SHEET, folded, names_apart, prefixes, root_of

Exceptions: TypeAlias = Mapping[str, PurePosixPath]
"""The names, by the inputs' paths, of those that are called otherwise than they would be if they were alone."""

_NONE: Exceptions = MappingProxyType({})


class FolderNames(Mapping[str, PurePosixPath]):
    """The output name, without suffix, of every source by its path, as `mirrored_names` gives it.

    An archive is a folder of its own name. Where there is another one called so, or a real folder, it keeps its suffix
    (`shard_tar`), and what does not tell it apart either is told by eight digits of its path's sha256. Only names that
    had to be told apart are kept in memory: those of folders at once, those in archives when they are first asked for.
    Raises OutputError where two cannot be told apart.
    """

    def __init__(self, sources: Sources, *, tail: str = FACE_TAIL) -> None:
        self._sources, self._tail = sources, tail
        self._numbered = re.compile(rf"(.+)_(?:{tail})", re.DOTALL)
        prefix = prefixes(_rivals(sources))
        self._folders = {id(folder): _placed(folder.path, folder.relative, prefix) for folder in sources.folders}
        self._archives = _archive_folders(sources.archives, self._folders.values(), prefix)
        self._exceptions: dict[str, PurePosixPath] = {}
        units: dict[str, list[SourceFolder]] = defaultdict(list)
        for folder in sources.folders:
            units[folded(self._folders[id(folder)])].append(folder)
        for unit in units.values():
            if self._may_clash(self._folders[id(unit[0])], (name for folder in unit for name in folder.names)):
                placed = [
                    (file, self._folders[id(folder)] / file.path.name) for folder in unit for file in folder.files()
                ]
                self._exceptions.update(self._apart(placed))
        self._in_archives: dict[str, Exceptions] = {}

    def __getitem__(self, path: str) -> PurePosixPath:
        """Raises KeyError for what is no source."""
        archive = self._sources.archive_of(path)
        if archive is not None:
            inside = self._inside(archive)
            if path in inside:
                return inside[path]
            usual = self._sources.name_in(archive, path)
            return self.archive_folder(archive) / usual.with_name(usual.stem)
        if path in self._exceptions:
            return self._exceptions[path]
        found = self._sources.folder_of(path)
        if found is None:
            raise KeyError(path)
        folder, name = found
        return self._folders[id(folder)] / PurePosixPath(name).stem

    def __iter__(self) -> Iterator[str]:
        for source in self._sources:
            yield str(source.path)

    def __len__(self) -> int:
        return len(self._sources)

    def archive_folder(self, archive: SourceArchive) -> PurePosixPath:
        """The folder that stands for an archive among the outputs."""
        return self._archives[str(archive.path)]

    def _inside(self, archive: SourceArchive) -> Exceptions:
        known = str(archive.path)
        if known not in self._in_archives:
            here = self.archive_folder(archive)

            def placed() -> Iterator[tuple[SourceFile, PurePosixPath]]:
                for file in self._sources.members(archive):
                    if file.path != archive.path:
                        yield file, here / file.relative.relative_to(archive.folder)

            clash = self._may_clash(here, (str(name) for _, name in placed()))
            self._in_archives[known] = self._apart([*placed()]) if clash else _NONE
        return self._in_archives[known]

    def _may_clash(self, folder: PurePosixPath, names: Iterable[str]) -> bool:
        """Whether any two of these names would be told apart, or any taken for the sheet's: never False by mistake."""
        seen: set[str] = set()
        count = 0
        for name in names:
            count += 1
            seen.add(folded(name.rpartition(".")[0] or name))
        if len(seen) < count or (not folder.parts and any(stem.startswith(SHEET) for stem in seen)):
            return True
        return any((match := self._numbered.fullmatch(stem)) and match[1] in seen for stem in seen)

    def _apart(self, placed: list[tuple[SourceFile, PurePosixPath]]) -> dict[str, PurePosixPath]:
        files = [file for file, _ in placed]
        names = names_apart(files, [name for _, name in placed], self._tail)
        return {
            str(file.path): name for file, usual in placed if (name := names[file.path]) != usual.with_name(usual.stem)
        }


def _rivals(sources: Sources) -> set[PurePosixPath]:
    """The roots of which another one holds a file, or an archive, of the same relative name."""
    same: dict[str, dict[PurePosixPath, list[SourceFolder]]] = defaultdict(lambda: defaultdict(list))
    for folder in sources.folders:
        root = root_of(folder.path, len(folder.relative.parts))
        same[folded(folder.relative)][root].append(folder)
    rivals: set[PurePosixPath] = set()
    for by_root in same.values():
        if len(by_root) < 2:
            continue
        holder: dict[str, PurePosixPath] = {}
        for root, folders in by_root.items():
            for stem in {folded(PurePosixPath(name).stem) for folder in folders for name in folder.names}:
                if holder.setdefault(stem, root) != root:
                    rivals |= {root, holder[stem]}
    holders: dict[str, set[PurePosixPath]] = defaultdict(set)
    for archive in sources.archives:
        holders[folded(archive.folder)].add(root_of(archive.path.parent, len(archive.relative.parts) - 1))
    return rivals.union(*(roots for roots in holders.values() if len(roots) > 1))


def _placed(path: Path, relative: PurePosixPath, prefix: Mapping[PurePosixPath, PurePosixPath]) -> PurePosixPath:
    root = root_of(path, len(relative.parts))
    return prefix[root] / relative if root in prefix else relative


def _archive_folders(
    archives: Iterable[SourceArchive],
    folders: Iterable[PurePosixPath],
    prefix: Mapping[PurePosixPath, PurePosixPath],
) -> dict[str, PurePosixPath]:
    """The folder that stands for each archive, by its path; none is a folder of files, nor around one."""
    taken = {folded(around) for folder in folders for around in (folder, *folder.parents)}
    whole = {str(archive.path): _placed(archive.path, archive.relative, prefix) for archive in archives}
    found: dict[str, PurePosixPath] = {}
    left = set(whole)
    for level in range(3):
        spelled = {path: _spelled(whole[path], path, level) for path in left}
        holders: dict[str, list[str]] = defaultdict(list)
        for path, name in spelled.items():
            holders[folded(name)].append(path)
        settled = {paths[0] for name, paths in holders.items() if len(paths) == 1 and name not in taken}
        found.update((path, spelled[path]) for path in (left if level == 2 else settled))
        taken |= {folded(spelled[path]) for path in settled}
        left -= settled
    return found


def _spelled(relative: PurePosixPath, path: str, level: int) -> PurePosixPath:
    told = [relative.stem, "tar", sha256_bytes(path.encode("utf-8", "surrogateescape"))[:8]]
    return relative.with_name("_".join(told[: level + 1]))
