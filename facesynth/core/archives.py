"""Tar archives as WebDataset keeps samples in them: images are found and read where they lie, nothing is unpacked."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.errors import ImageError
from facesynth.core.files import MAX_BYTES
from facesynth.core.tar_headers import HARD_LINK, REGULAR, SPARSE, SYMBOLIC_LINK, TarMember, read_headers

ARCHIVE_SUFFIX = ".tar"

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_ARCHIVES = (ARCHIVE_SUFFIX, ".tgz", ".tbz2", ".txz", ".tzst", *(ARCHIVE_SUFFIX + more for more in _COMPRESSED))

LAST_SUFFIXES = frozenset({ARCHIVE_SUFFIX, ".tgz", ".tbz2", ".txz", ".tzst", *_COMPRESSED})
"""What the name of an archive ends in, from its last dot on; of files that end so, `is_archive` says which are one."""

LABELS_EXTENSION = "labels.png"
"""What follows a sample's key in the name of its label map: `KEY.labels.png`, beside the face `KEY.png`."""


def is_archive(name: str) -> bool:
    """Whether a file is an archive by its name. So is a compressed one, whose listing says what to do."""
    return name.lower().endswith(_ARCHIVES)


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """Where a file's bytes lie in an archive; `fault` says why they cannot be had."""

    archive: Path
    offset: int
    size: int
    fault: str | None = None

    def read(self, where: str) -> bytes:
        """The bytes. Raises ImageError, `where` being the file's name, as `read_file` does of an ordinary file."""
        if self.fault is not None:
            raise ImageError(self.fault, where=where)
        if self.size > MAX_BYTES:
            raise ImageError(f"{self.size} bytes are more than {MAX_BYTES}", where=where)
        try:
            with self.archive.open("rb", buffering=0) as stream:
                stream.seek(self.offset)
                data = _whole(stream.read, self.size)
        except OSError as error:
            raise ImageError(f"cannot be read ({error.strerror or error})", where=where) from error
        if len(data) < self.size:
            raise ImageError("the archive ends in the middle of it", where=where, hint="copy the archive again")
        return data


def list_images(
    archive: Path, *, suffixes: Collection[str], extension: str | None = None
) -> tuple[dict[str, ArchivePart], ImageError | None]:
    """The images of an archive by name, in the archive's order, and what is wrong with it as a whole, if anything.

    Files that share a key (the name up to the first dot after its folder) are one sample: its images are the files
    that have one of the `suffixes` right after the key; only where there is none, those that have more between them, as
    `my.photo.jpg` has. `KEY.labels.png` beside `KEY.jpg` is thus no image. With `extension` a sample that has a file
    with just that stands for itself by it alone. Hidden files are passed over, and of two with one name the later one
    counts, as in unpacking. What cannot be read, such as a link out of the archive, is listed with its fault.
    """
    found: dict[str, ArchivePart] = {}
    fault = None
    try:
        with archive.open("rb", buffering=0) as stream:
            for member in read_headers(stream, str(archive)):
                name = "/".join(part for part in member.name.split("/") if part not in ("", "."))
                if name and not member.name.endswith("/") and not _is_hidden(name):
                    part = _part(archive, member, name, found)
                    if part is not None:
                        found.pop(name, None)
                        found[name] = part
    except ImageError as error:
        fault = error
    except OSError as error:
        fault = ImageError(f"cannot be read ({error.strerror or error})", where=archive)
    return {name: found[name] for name in _images(found, suffixes, extension)}, fault


def relative_name(name: str, extension: str | None = None) -> PurePosixPath:
    """What a member is called among other files: by its key and suffix alone where it has just that extension.

    It leads nowhere else: a name that would has a fault, and never gets outputs.
    """
    safe = PurePosixPath(*("_" if part == ".." else part for part in name.split("/")))
    key, _, rest = _split(safe.name)
    return safe.with_name(key + safe.suffix) if extension is not None and rest.lower() == extension else safe


def _whole(read: Callable[[int], bytes | None], size: int) -> bytes:
    pieces, missing = [], size
    while missing and (piece := read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _part(archive: Path, member: TarMember, name: str, known: dict[str, ArchivePart]) -> ArchivePart | None:
    """Where a member's bytes lie; None for what is no file, such as a folder."""
    if ".." in name.split("/") or (os.name == "nt" and any(letter in name for letter in "\\:")):
        return ArchivePart(archive, 0, 0, "its name leads out of the archive")
    if member.kind == HARD_LINK:
        linked = known.get("/".join(part for part in member.link.split("/") if part not in ("", ".")))
        return linked or ArchivePart(archive, 0, 0, f"a link to {member.link}, which the archive does not hold")
    if member.kind == SYMBOLIC_LINK:
        return ArchivePart(archive, 0, 0, f"a link to {member.link}; links in archives are not followed")
    if member.kind == SPARSE:
        return ArchivePart(archive, 0, 0, "a sparse file, which is not read from archives")
    return ArchivePart(archive, member.offset, member.size) if member.kind == REGULAR else None


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part != ".." for part in name.split("/"))


def _images(names: Iterable[str], suffixes: Collection[str], extension: str | None) -> list[str]:
    """Of all files those that are the images of their samples."""
    rank: dict[str, int] = {}
    best: dict[str, int] = defaultdict(lambda: 3)
    for name in names:
        key, _, rest = _split(name)
        rest = rest.lower()
        if os.path.splitext(name)[1].lower() in suffixes:
            rank[name] = 0 if rest == extension else 1 if "." not in rest else 2
            best[key] = min(best[key], rank[name])
    return [name for name, own in rank.items() if own == best[_split(name)[0]]]


def _split(name: str) -> tuple[str, str, str]:
    """A name's key (with its folder), the dot and the extension after it, as WebDataset takes it apart."""
    folder, slash, file = name.rpartition("/")
    key, dot, rest = file.partition(".")
    return folder + slash + key, dot, rest
