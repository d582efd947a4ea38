"""What a command works on: files in folders and in archives, known by their folders, told one at a time."""

from __future__ import annotations

import os
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.archives import ArchivePart, list_images, relative_name
from facesynth.core.files import read_file
from facesynth.core.packed_names import PackedNames

_LISTINGS = 2
"""Archives whose lists of members are kept at hand: a run looks ahead of what it finishes."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to work on: where it lies, and its name relative to the folder it was found in, which outputs mirror.

    Of a file in an archive `part` says where its bytes are; its path is the archive's with the member's name below it.
    """

    path: Path
    relative: PurePosixPath
    part: ArchivePart | None = None


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """A folder and those of its files that are to be worked on; `relative` is the folder's own place."""

    path: Path
    relative: PurePosixPath
    names: PackedNames

    def files(self) -> Iterator[SourceFile]:
        """Its files, by name."""
        for name in self.names:
            yield SourceFile(self.path / name, self.relative / name)


@dataclass(frozen=True, slots=True)
class SourceArchive:
    """An archive; its members' relative names start with its own, without suffix, as with a folder's."""

    path: Path
    relative: PurePosixPath

    @property
    def folder(self) -> PurePosixPath:
        """The place of its members."""
        return self.relative.with_suffix("")


class Sources:
    """Files to work on, by their folders' relative names, then by their own; an archive's in the archive's order.

    It can be gone through any number of times, and takes as much memory as the names have letters, and a little for
    each folder. What lies in an archive is found when its turn comes: until then `len` does not count it, and
    `on_listed` is told how many it turned out to be, once.
    """

    def __init__(
        self,
        folders: Sequence[SourceFolder],
        archives: Sequence[SourceArchive] = (),
        *,
        suffixes: Collection[str],
        extension: str | None = None,
    ) -> None:
        self.folders = sorted(folders, key=_order)
        self.archives = sorted(archives, key=_order)
        self.on_listed: Callable[[int], None] | None = None
        self._suffixes, self._extension = frozenset(suffixes), extension
        self._starts: list[int] = []
        self._in_folders = 0
        for folder in self.folders:
            self._starts.append(self._in_folders)
            self._in_folders += len(folder.names)
        self._by_path: dict[str, list[int]] = {}
        for index, folder in enumerate(self.folders):
            self._by_path.setdefault(_head(str(folder.path / "x")), []).append(index)
        self._archive_at = {str(archive.path): archive for archive in self.archives}
        self._counts: dict[str, int] = {}
        self._listings: OrderedDict[str, Mapping[str, ArchivePart]] = OrderedDict()

    def __len__(self) -> int:
        """How many files are known of."""
        return self._in_folders + sum(self._counts.values())

    def __iter__(self) -> Iterator[SourceFile]:
        places: list[SourceFolder | SourceArchive] = [*self.folders, *self.archives]
        for place in sorted(places, key=_order):
            yield from place.files() if isinstance(place, SourceFolder) else self.members(place)

    @property
    def all_known(self) -> bool:
        """Whether all archives have been listed, so that `len` is all there is."""
        return len(self._counts) == len(self._archive_at)

    @property
    def on_disk(self) -> OnDisk:
        """The files that these lie in: themselves, or their archive."""
        return OnDisk(self)

    def members(self, archive: SourceArchive) -> Iterator[SourceFile]:
        """The images in an archive; one that is damaged, or holds none, comes after them itself: reading it says so."""
        for name, part in self._listed(archive).items():
            yield self._member(archive, name, part)

    def archive_of(self, path: str) -> SourceArchive | None:
        """The archive that a source lies in, by its path."""
        while path and self._archive_at:
            if (archive := self._archive_at.get(path)) is not None:
                return archive
            above = _head(path)
            path = "" if above == path else above
        return None

    def name_in(self, archive: SourceArchive, path: str) -> PurePosixPath:
        """The relative name of a member, by its path, below the archive's own."""
        return relative_name(Path(path).relative_to(archive.path).as_posix(), self._extension)

    def folder_of(self, path: str) -> tuple[SourceFolder, str] | None:
        """The folder that a source lies in, by its path, and its name there; None for what is in no folder's list."""
        head, name = os.path.split(path)
        for index in self._by_path.get(head, ()):
            if self.folders[index].names.place(name) is not None:
                return self.folders[index], name
        return None

    def ordinal(self, path: str) -> int | None:
        """How many files of folders come before this one; None for what is not in a folder's list."""
        head, name = os.path.split(path)
        for index in self._by_path.get(head, ()):
            if (place := self.folders[index].names.place(name)) is not None:
                return self._starts[index] + place
        return None

    def file(self, path: str) -> SourceFile:
        """The source of that path."""
        archive = self.archive_of(path)
        if archive is not None:
            name = Path(path).relative_to(archive.path).as_posix()
            name = "" if name == "." else name
            return self._member(archive, name, self._listed(archive)[name])
        found = self.folder_of(path)
        if found is None:
            raise KeyError(path)
        folder, name = found
        return SourceFile(folder.path / name, folder.relative / name)

    def read(self, path: str) -> bytes:
        """The bytes of the source of that path. Raises ImageError."""
        part = self.file(path).part
        return read_file(Path(path)) if part is None else part.read(path)

    def without(self, part: str, test: Callable[[SourceFile], bool]) -> Sources:
        """Those files of folders that `test` is False of; it is asked of names alone that hold `part`, in any case."""
        wanted = part.lower()
        kept = []
        for folder in self.folders:
            if folder.names.may_hold(wanted.encode()):
                files = folder.files()
                names = PackedNames(f.path.name for f in files if wanted not in f.path.name.lower() or not test(f))
                folder = SourceFolder(folder.path, folder.relative, names)
            if folder.names:
                kept.append(folder)
        return Sources(kept, self.archives, suffixes=self._suffixes, extension=self._extension)

    def _member(self, archive: SourceArchive, name: str, part: ArchivePart) -> SourceFile:
        if not name:
            return SourceFile(archive.path, archive.relative, part)
        return SourceFile(archive.path / name, archive.folder / relative_name(name, self._extension), part)

    def _listed(self, archive: SourceArchive) -> Mapping[str, ArchivePart]:
        """Where the images of an archive lie, by name; what is wrong with it as a whole is under no name."""
        known = str(archive.path)
        if known in self._listings:
            self._listings.move_to_end(known)
            return self._listings[known]
        listed, fault = list_images(archive.path, suffixes=self._suffixes, extension=self._extension)
        told = None if fault is None else f"{fault.what}; {fault.hint}" if fault.hint else fault.what
        if not listed and told is None:
            told = f"an archive without files ending in {' '.join(sorted(self._suffixes))}"
        if told is not None:
            listed[""] = ArchivePart(archive.path, 0, 0, told)
        self._listings[known] = listed
        if len(self._listings) > _LISTINGS:
            self._listings.popitem(last=False)
        if known not in self._counts:
            self._counts[known] = len(listed)
            if self.on_listed is not None:
                self.on_listed(len(listed))
        return listed


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The files that sources lie in, any number of times."""

    sources: Sources

    def __iter__(self) -> Iterator[SourceFile]:
        for folder in self.sources.folders:
            yield from folder.files()
        for archive in self.sources.archives:
            yield SourceFile(archive.path, archive.relative)

    def by_folder(self) -> list[tuple[Path, Collection[str]]]:
        """Their names by the folders that they lie in; a folder may come several times."""
        archives: dict[Path, set[str]] = defaultdict(set)
        for archive in self.sources.archives:
            archives[archive.path.parent].add(archive.path.name)
        return [*((folder.path, folder.names) for folder in self.sources.folders), *archives.items()]


def _head(path: str) -> str:
    return os.path.split(path)[0]


def _order(place: SourceFolder | SourceArchive) -> tuple[tuple[str, ...], str]:
    return place.relative.parts, str(place.path)
