"""The folder that results go to: no input is touched, no file is ever seen half written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType

from facesynth.core.errors import CacheError, OutputError, UsageError
from facesynth.core.path_lists import list_file
from facesynth.core.refs import FileStamp, sha256_file
from facesynth.core.sources import SourceFile
from facesynth.outputs.known_files import KnownFiles
from facesynth.outputs.partial import partial_folder, remove_stale
from facesynth.outputs.reach import pattern_reaches

_ITEM_FAULTS = {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ, errno.EEXIST}
"""What the system says of one name, such as that a file lies where a folder has to be made."""


class OutputTree:
    """A folder that results are written to, whole or not at all; used as a context.

    Made from the output folder, what the user named as inputs, the files found in it (gone through more than once), and
    whatever else is read (names of which there is no file are passed over): none of all these is ever replaced. Raises
    UsageError where the folder lies inside an input folder, or where a pattern among the inputs reaches: the next run
    would take results for inputs, which are pictures, and with `archives` these of them.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Iterable[str | Path],
        sources: Iterable[SourceFile],
        *,
        reads: Iterable[str | Path] = (),
        archives: bool = False,
    ) -> None:
        self.folder = folder
        _refuse_inside(folder, inputs, sources, archives=archives)
        self._inputs = KnownFiles(sources, map(Path, reads))
        self._parents: set[Path] = set()
        self._aside = partial_folder(folder)

    def __enter__(self) -> OutputTree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)

    def path(self, relative: PurePosixPath) -> Path:
        """Where an output lies."""
        if relative.is_absolute() or ".." in relative.parts:
            raise OutputError("an output must lie inside the output folder", where=str(relative))
        return self.folder / relative

    def holds(self, path: Path) -> bool:
        """Whether a path lies in the output folder."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder))

    def holds_input(self, path: Path) -> bool:
        """Whether an input lies at a path, found under this name or another."""
        try:
            return self._inputs.holds(path, os.stat(path))
        except OSError:
            return False

    def copy(self, file: Path, stamp: FileStamp, relative: PurePosixPath) -> Path:
        """Put a copy of an artifact's file in its place, unless that already holds it.

        The copy carries the artifact's time of change, as with `rsync -t`: with equal size and time it is in place;
        with another time its sha256 decides. Raises CacheError where the artifact is damaged, OutputError for this
        item, OSError where no item can be written.
        """
        self._open()
        target = self.path(relative)
        changed = os.stat(file).st_mtime_ns
        found = self._found(target)
        if found is not None and found.st_size == stamp.size:
            if found.st_mtime_ns == changed:
                return target
            if sha256_file(target) == stamp.digest:
                with contextlib.suppress(OSError):  # somebody else's file
                    os.utime(target, ns=(changed, changed))
                return target
        with faults_told(target):
            aside = self._prepare(target)
            shutil.copyfile(file, aside)
            if sha256_file(aside) != stamp.digest:
                aside.unlink()
                raise CacheError("the cached file differs from its sha256", where=file)
            os.utime(aside, ns=(changed, changed))
            os.replace(aside, target)
        return target

    def write(self, data: bytes, relative: PurePosixPath) -> Path:
        """Write bytes to their place, unless that already holds them. Raises as `copy` does."""
        self._open()
        target = self.path(relative)
        found = self._found(target)
        if found is not None and found.st_size == len(data) and target.read_bytes() == data:
            return target
        with faults_told(target):
            aside = self._prepare(target)
            aside.write_bytes(data)
            os.replace(aside, target)
        return target

    def put(self, relative: PurePosixPath, make: Callable[[Path], None]) -> Path:
        """Have `make` write a file aside, and put it in its place whatever that holds. Raises as `copy` does."""
        self._open()
        target = self.path(relative)
        self._found(target)
        with faults_told(target):
            aside = self._prepare(target)
            make(aside)
            os.replace(aside, target)
        return target

    def draft(self, relative: PurePosixPath) -> Path:
        """A name to write an output under for as long as that takes, until `publish`. Raises as `copy` does."""
        self._open()
        target = self.path(relative)
        self._found(target)
        with faults_told(target):
            self._prepare(target)
        return self._aside / f"draft-{relative.name}"

    def publish(self, draft: Path, relative: PurePosixPath) -> Path:
        """Put what was written under `draft`'s name in its place. Raises as `copy` does."""
        target = self.path(relative)
        self._found(target)
        with faults_told(target):
            os.replace(draft, target)
        return target

    def keep_alive(self) -> None:
        """Show that a draft is still being written: another machine clears it away after an hour without a sign."""
        with contextlib.suppress(OSError):
            os.utime(self._aside)

    def _open(self) -> None:
        """Make the output folder, at the first output. Raises OSError where nothing can be written there."""
        if not self._parents:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                remove_stale(self.folder)
                self._aside.mkdir(exist_ok=True)
            except OSError as error:
                told = f"nothing can be written here ({error.strerror}); choose another output folder with -o"
                raise OSError(error.errno, told, str(self.folder)) from error
            self._parents.add(self.folder)

    def _found(self, target: Path) -> os.stat_result | None:
        """What lies in an output's place now. Raises OutputError for an input."""
        with faults_told(target):
            try:
                found = os.stat(target)
                is_input = self._inputs.holds(target, found)
            except FileNotFoundError:
                return None
        if is_input:
            raise OutputError("is an input, which is never overwritten", where=target, hint="choose another -o")
        return found

    def _prepare(self, target: Path) -> Path:
        """Make the folder that a write needs; the file to write aside."""
        if target.parent not in self._parents or not target.parent.is_dir():  # somebody may have taken results away
            target.parent.mkdir(parents=True, exist_ok=True)
            self._parents.add(target.parent)
        # Another run may have taken it for a dead one's, after a long step.
        self._aside.mkdir(parents=True, exist_ok=True)
        return self._aside / "file"


@contextlib.contextmanager
def faults_told(target: Path) -> Iterator[None]:
    """Turn what is wrong with one name alone into an OutputError; let a full or read-only disk through, told better."""
    try:
        yield
    except OSError as error:
        if error.errno in _ITEM_FAULTS:
            raise OutputError(f"cannot be written ({error.strerror})", where=target) from error
        told = f"{error.strerror}; make room, or choose another output folder with -o"
        raise OSError(error.errno, told, str(target)) from error  # of copying, the error may name the source


def _refuse_inside(
    folder: Path, inputs: Iterable[str | Path], sources: Iterable[SourceFile], *, archives: bool
) -> None:
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise UsageError("the output is a file, not a folder", where=folder, hint="name a folder with -o")
    for given in inputs:
        if list_file(given) is not None:
            continue  # its files are named one by one
        source = Path(os.path.realpath(given))
        if source.is_dir() and target.is_relative_to(source):
            raise UsageError(
                f"the output folder lies inside the input folder {given}", where=folder, hint="choose another -o"
            )
        if pattern_reaches(given, target, sources, archives=archives):
            raise UsageError(
                f"the output folder lies where the pattern {given} finds inputs", where=folder, hint="choose another -o"
            )
