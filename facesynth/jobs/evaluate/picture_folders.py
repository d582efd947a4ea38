"""Folders of pictures to be scored: which files they hold, whether these can be read, are of one size and match."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from facesynth.core.errors import InputError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.core.scan import SourceFile
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.folders import images_below
from facesynth.jobs.evaluate.passes import Passes
from facesynth.outputs import is_sheet


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The pictures below a folder by name: the path in it without suffix."""

    folder: Path
    files: Mapping[str, Path]

    @classmethod
    def open(cls, folder: Path) -> PictureFolder:
        """List a folder; contact sheets of ours are passed by. UsageError where it holds no pictures, or one twice."""
        if not folder.is_dir():
            raise UsageError("no such folder", where=folder, hint="give a folder of pictures")
        if (folder / "labels").is_dir() and (inside := folder / "images").is_dir():
            raise UsageError("holds label maps beside its pictures", where=folder, hint=f"give {inside}")
        files: dict[str, Path] = {}
        for name, path in images_below(folder):
            if is_sheet(SourceFile(path, PurePosixPath(path.name))):
                continue
            if name in files:
                raise UsageError(f"two files are named {name}", where=folder, hint="keep one of them")
            files[name] = path
        if not files:
            raise UsageError("no pictures in it", where=folder, hint="they are PNG, JPEG, WebP, TIFF or BMP files")
        return cls(folder, files)

    def __len__(self) -> int:
        return len(self.files)


def check_partners(generated: PictureFolder, real: PictureFolder) -> None:
    """Raise UsageError unless both folders hold the same names."""
    lonely = sorted(generated.files.keys() ^ real.files.keys())
    if lonely:
        without = real.folder if lonely[0] in generated.files else generated.folder
        what = f"{len(lonely)} pictures have no partner, the first is {lonely[0]}, which {without} has not"
        raise UsageError(
            what, where=generated.folder, hint="give the pictures of a pair one name, or leave out --paired"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading all pictures of a folder found: those that can be used, by name, and the size that all have.

    `digest` is one sha256 over their names and bytes, whatever their order.
    """

    folder: Path
    files: Mapping[str, Path]
    size: tuple[int, int]
    digest: Digest

    def among(self, others: Seen) -> Seen:
        """Those whose name is in another folder too. InputError where there are none left."""
        files = {name: path for name, path in self.files.items() if name in others.files}
        if not files:
            raise InputError(f"no picture and its partner in {others.folder} can both be read", where=self.folder)
        return replace(self, files=files)


def look_through(pictures: PictureFolder, passes: Passes) -> Seen:
    """Read every picture once. One that cannot be read is left out; UsageError where they are of several sizes.

    InputError where none can be read.
    """
    execution = passes.execution
    execution.progress.begin(len(pictures), f"read {pictures.folder}")
    files: dict[str, Path] = {}
    sizes: dict[tuple[int, int], Path] = {}
    identities: list[bytes] = []
    before = len(passes.left_out)
    for (name, path), found in ordered_ahead(
        pictures.files.items(), lambda one: _read(one[1]), workers=execution.workers, name="read"
    ):
        execution.progress.advance()
        if isinstance(found, InputError):
            passes.leave_out(f"{pictures.folder}/{name}", str(path), found)
            continue
        digest, size = found
        files[name] = path
        sizes.setdefault(size, path)
        identities.append(hashlib.sha256(f"{name}\0{digest}".encode("utf-8", "surrogatepass")).digest())
    if not files:
        first = list(passes.left_out.values())[before]
        what = f"none of {len(pictures)} pictures can be used, the first: {first.file}: {first.reason}"
        raise InputError(what, where=pictures.folder)
    if len(sizes) > 1:
        (one, here), (other, there) = list(sizes.items())[:2]
        told = f"{one[0]}×{one[1]} ({here.name}) and {other[0]}×{other[1]} ({there.name})"
        what = f"pictures of {len(sizes)} sizes, such as {told}"
        raise UsageError(what, where=pictures.folder, hint="bring them to one size first")
    return Seen(pictures.folder, files, next(iter(sizes)), hashlib.sha256(b"".join(sorted(identities))).hexdigest())


def _read(path: Path) -> tuple[Digest, tuple[int, int]] | InputError:
    try:
        data = read_file(path)
        return sha256_bytes(data), decode_photo(data, str(path)).size
    except InputError as error:
        return error


def halves(seen: Seen) -> Iterator[tuple[Path, Path]]:
    """Each picture of the folder's first half with that in the same place of its second half."""
    paths = list(seen.files.values())
    half = len(paths) // 2
    return zip(paths[:half], paths[half : 2 * half], strict=True)
