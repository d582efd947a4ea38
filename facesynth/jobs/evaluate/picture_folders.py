"""Folders of pictures to be scored: which files they hold, whether these can be read, are of one size and match."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from facesynth.core.errors import InputError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Done, FileRef, Origin, Ref, sha256_bytes
from facesynth.core.scan import SourceFile
from facesynth.datasets.folders import images_below
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.jobs.items import photo_item
from facesynth.outputs import is_sheet
from facesynth.stages.picture_size import PictureSizeStage


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
    lonely = {
        one.folder: sorted(one.files.keys() - other.files.keys())
        for one, other in ((generated, real), (real, generated))
    }
    told = [f"{len(names)} of {folder} (the first is {names[0]})" for folder, names in lonely.items() if names]
    if told:
        what = f"pictures without a partner: {' and '.join(told)}"
        raise UsageError(
            what, where=generated.folder, hint="give the pictures of a pair one name, or leave out --paired"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading all pictures of a folder found: those that can be used, by name, and the size that all have.

    `digests` are the sha256 of their bytes. Whoever asks for an item gets these bytes or an error.
    """

    folder: Path
    files: Mapping[str, Path]
    size: tuple[int, int]
    digests: Mapping[str, Digest]

    def among(self, others: Seen) -> Seen:
        """Those whose name is in another folder too. InputError where there are none left."""
        files = {name: path for name, path in self.files.items() if name in others.files}
        if not files:
            raise InputError(f"no picture and its partner in {others.folder} can both be read", where=self.folder)
        return replace(self, files=files, digests={name: self.digests[name] for name in files})

    @property
    def digest(self) -> Digest:
        """One sha256 over the names and bytes of those that are used, whatever their order."""
        told = (f"{name}\0{digest}".encode("utf-8", "surrogatepass") for name, digest in self.digests.items())
        return sha256_bytes(b"".join(sorted(hashlib.sha256(one).digest() for one in told)))

    def item(self, name: str) -> Ref[Photo]:
        """A picture as an item that is known by its sha256: the file is not read again to look it up."""
        return known_photo(self.files[name], self.digests[name])


def look_through(pictures: PictureFolder, passes: Passes) -> Seen:
    """Read every picture once. One that cannot be read is left out; UsageError where they are of several sizes.

    InputError where none can be read.
    """
    execution = passes.execution
    execution.progress.begin(len(pictures), f"read {pictures.folder}")
    files: dict[str, Path] = {}
    sizes: dict[tuple[int, int], Path] = {}
    digests: dict[str, Digest] = {}
    before = len(passes.left_out)
    items = ((_Hashed(photo_item(path), name, digests), (name, path)) for name, path in pictures.files.items())
    with closing(passes.along(PictureSizeStage(), items, counted=False)) as results:
        for result, (name, path) in results:
            execution.progress.advance()
            if isinstance(result, Done):
                files[name] = path
                sizes.setdefault(result.ref.load(), path)
            else:
                digests.pop(name, None)
                passes.leave_out(f"{pictures.folder}/{name}", str(path), error_of(result))
    if not files:
        first = list(passes.left_out.values())[before]
        what = f"none of {len(pictures)} pictures can be used, the first: {first.file}: {first.reason}"
        raise InputError(what, where=pictures.folder)
    if len(sizes) > 1:
        (one, here), (other, there) = list(sizes.items())[:2]
        told = f"{one[0]}×{one[1]} ({here.name}) and {other[0]}×{other[1]} ({there.name})"
        what = f"pictures of {len(sizes)} sizes, such as {told}"
        raise UsageError(what, where=pictures.folder, hint="bring them to one size first")
    return Seen(pictures.folder, files, next(iter(sizes)), {name: digests[name] for name in files})


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A file as an item whose sha256 is noted in `digests` once it is known."""

    item: FileRef[Photo]
    name: str
    digests: dict[str, Digest]

    @property
    def origin(self) -> Origin:
        return self.item.origin

    def identify(self) -> Ref[Photo]:
        ref = self.item.identify()
        self.digests[self.name] = ref.digest
        return ref


def known_photo(path: Path, digest: Digest) -> Ref[Photo]:
    """A photo file whose sha256 is known. Raises InputError on loading where its bytes are others by then."""

    def load() -> Photo:
        data = read_file(path)
        if sha256_bytes(data) != digest:
            raise InputError("the file changed while it was being scored", where=path, hint="run again")
        return decode_photo(data, str(path))

    return Ref(digest, Origin(str(path)), load)


def halves(seen: Seen) -> Iterator[tuple[Ref[Photo], Ref[Photo]]]:
    """Each picture of the folder's first half with that in the same place of its second half."""
    names = list(seen.files)
    half = len(names) // 2
    return ((seen.item(one), seen.item(other)) for one, other in zip(names[:half], names[half : 2 * half], strict=True))
