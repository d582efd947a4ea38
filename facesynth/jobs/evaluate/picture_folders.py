"""Folders of pictures to be scored: which files they hold, whether these can be read, are of one size and match."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.errors import InputError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Done, FileRef, Origin, Ref, sha256_bytes
from facesynth.core.scan import SourceFile
from facesynth.datasets.folders import images_below
from facesynth.evaluation.pictures.names import Names
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.jobs.evaluate.picture_files import Digests, PictureFiles, digest_of_all
from facesynth.jobs.evaluate.picture_items import changed_meanwhile
from facesynth.jobs.items import photo_item
from facesynth.outputs import is_sheet
from facesynth.stages.picture_size import PictureSizeStage


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The pictures below a folder by name: the path in it without suffix."""

    folder: Path
    files: PictureFiles

    @classmethod
    def open(cls, folder: Path) -> PictureFolder:
        """List a folder; contact sheets of ours are passed by. UsageError where it holds no pictures, or one twice."""
        if not folder.is_dir():
            raise UsageError("no such folder", where=folder, hint="give a folder of pictures")
        if (folder / "labels").is_dir() and (inside := folder / "images").is_dir():
            raise UsageError("holds label maps beside its pictures", where=folder, hint=f"give {inside}")
        pictures = (
            (name, path)
            for name, path in images_below(folder)
            if not is_sheet(SourceFile(path, PurePosixPath(path.name)))
        )
        files = PictureFiles.of(folder, pictures)
        if (name := files.names.repeated()) is not None:
            raise UsageError(f"two files are named {name}", where=folder, hint="keep one of them")
        if not files:
            raise UsageError("no pictures in it", where=folder, hint="they are PNG, JPEG, WebP, TIFF or BMP files")
        return cls(folder, files)

    def __len__(self) -> int:
        return len(self.files)


def check_partners(generated: PictureFolder, real: PictureFolder) -> None:
    """Raise UsageError unless both folders hold the same names."""
    told = []
    for one, other in ((generated, real), (real, generated)):
        lonely = Names(name for name in one.files if name not in other.files)
        if lonely:
            told.append(f"{len(lonely)} of {one.folder} (the first is {min(lonely)!r})")
    if told:
        what = f"pictures without a partner: {' and '.join(told)}"
        raise UsageError(
            what, where=generated.folder, hint="give the pictures of a pair one name, or leave out --paired"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading all pictures of a folder found: those that can be used, by name, and the size that all have.

    `digests` are the sha256 of their bytes, in the order of `files`. Whoever asks for an item gets these bytes or an
    error.
    """

    folder: Path
    files: PictureFiles
    size: tuple[int, int]
    digests: Digests

    def among(self, others: Seen) -> Seen:
        """Those whose name is in another folder too. InputError where there are none left."""
        places = array("q", (place for place, name in enumerate(self.files) if name in others.files))
        if not places:
            raise InputError(f"no picture and its partner in {others.folder} can both be read", where=self.folder)
        return self._at(places)

    @property
    def digest(self) -> Digest:
        """One sha256 over the names and bytes of those that are used, whatever their order."""
        told = (f"{name}\0{self.digests[place]}" for place, name in enumerate(self.files))
        return digest_of_all(one.encode("utf-8", "surrogatepass") for one in told)

    def items(self) -> Iterator[tuple[str, Ref[Photo]]]:
        """The pictures by name, in order, as items known by their sha256: no file is read again to look one up."""
        return ((name, self._item(place)) for place, name in enumerate(self.files))

    def item(self, name: str) -> Ref[Photo]:
        """One of them. KeyError for a name that none has."""
        place = self.files.names.place(name)
        if place is None:
            raise KeyError(name)
        return self._item(place)

    def halves(self) -> Iterator[tuple[Ref[Photo], Ref[Photo]]]:
        """Each picture of the folder's first half with that in the same place of its second half."""
        half = len(self.files) // 2
        return ((self._item(place), self._item(half + place)) for place in range(half))

    def _item(self, place: int) -> Ref[Photo]:
        return known_photo(self.files.path(place), self.digests[place])

    def _at(self, places: array[int]) -> Seen:
        return Seen(self.folder, self.files.at(places), self.size, self.digests.at(places))


def look_through(pictures: PictureFolder, passes: Passes) -> Seen:
    """Read every picture once. One that cannot be read is left out; UsageError where they are of several sizes.

    InputError where none can be read.
    """
    execution = passes.execution
    execution.progress.begin(len(pictures), f"read {pictures.folder}")
    files = pictures.files
    usable = array("q")
    sizes: dict[tuple[int, int], Path] = {}
    digests = Digests(len(files))
    before = len(passes.left_out)
    items = ((_Hashed(photo_item(files.path(place)), place, digests), place) for place in range(len(files)))
    with closing(passes.along(PictureSizeStage(), items, counted=False)) as results:
        for result, place in results:
            execution.progress.advance()
            if isinstance(result, Done):
                usable.append(place)
                sizes.setdefault(result.ref.load(), files.path(place))
            else:
                name, path = files.names[place], files.path(place)
                passes.leave_out(f"{pictures.folder}/{name}", str(path), error_of(result))
    if not usable:
        first = list(passes.left_out.values())[before]
        what = f"none of {len(pictures)} pictures can be used, the first: {first.file}: {first.reason}"
        raise InputError(what, where=pictures.folder)
    if len(sizes) > 1:
        (one, here), (other, there) = list(sizes.items())[:2]
        told = f"{one[0]}×{one[1]} ({here.name}) and {other[0]}×{other[1]} ({there.name})"
        what = f"pictures of {len(sizes)} sizes, such as {told}"
        raise UsageError(what, where=pictures.folder, hint="bring them to one size first")
    return Seen(pictures.folder, files.at(usable), next(iter(sizes)), digests.at(usable))


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A file as an item whose sha256 is noted in its place among `digests` once it is known."""

    item: FileRef[Photo]
    place: int
    digests: Digests

    @property
    def origin(self) -> Origin:
        return self.item.origin

    def identify(self) -> Ref[Photo]:
        ref = self.item.identify()
        self.digests[self.place] = ref.digest
        return ref


def known_photo(path: Path, digest: Digest) -> Ref[Photo]:
    """A photo file whose sha256 is known. Raises InputError on loading where its bytes are others by then."""

    def load() -> Photo:
        data = read_file(path)
        if sha256_bytes(data) != digest:
            raise changed_meanwhile(path)
        return decode_photo(data, str(path))

    return Ref(digest, Origin(str(path)), load)
