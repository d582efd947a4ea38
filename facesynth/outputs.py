"""Where results go: names that mirror the inputs', an output tree that never touches an input, whole copies."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType

from PIL import Image

from facesynth.core.errors import CacheError, OutputError, UsageError
from facesynth.core.refs import FileStamp, sha256_bytes, sha256_file
from facesynth.core.scan import SourceFile

FACE_TAIL = r"\d{2,}"
"""What may follow `_` in the output names of one input by default: the number of a face."""

SHEET = "sheet"
"""The name of the contact sheet, or the start of its pages' names: no result takes it."""

SHEET_TEXT = {"Title": "facesynth contact sheet"}
"""What a contact sheet says of itself in its metadata, so that a folder of results can be the next command's input."""

_SHEET = re.compile(rf"{SHEET}(_\d+)?", re.IGNORECASE)
_LEVELS = 3
_STALE_SECONDS = 24 * 3600
_ITEM_FAULTS = {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ}


def numbered(name: PurePosixPath, index: int | None) -> PurePosixPath:
    """The name of face `index` of a photo; None where the photo holds one face alone."""
    return name if index is None else name.with_name(f"{name.name}_{index:02d}")


def mirrored_names(sources: Sequence[SourceFile], *, tail: str = FACE_TAIL) -> Mapping[Path, PurePosixPath]:
    """The output name, without suffix, of every source: its place below the input folder that it was found in.

    Names depend on the set of sources, never on their order:
    - input folders that hold the same name are told apart by a folder of their own name (and as much of its parents'
      as it takes);
    - all of several files that share a folder and a stem get their suffix: `a.jpg`, `a.png` → `a_jpg`, `a_png`. So
      does the photo `a_00.jpg` beside `a.jpg`, whose faces are called `a_00`, `a_01` (`tail` is the pattern of that);
      So does what would take the place of the contact sheet;
    - files that differ in no more than case or in how a letter is encoded also get eight digits of their name's sha256.
    Raises OutputError where that does not tell two of them apart.
    """
    unique = list({source.path: source for source in sorted(sources, key=lambda s: (s.path, s.relative))}.values())
    placed = _under_their_roots(unique)
    level = [0] * len(unique)
    numbered_form = re.compile(rf"(.+)_(?:{tail})", re.DOTALL)
    while True:
        names = [_spelled(*each) for each in zip(placed, unique, level, strict=True)]
        clashing = _clashes(names, numbered_form)
        clashing |= {index for index, name in enumerate(names) if not level[index] and _SHEET.fullmatch(str(name))}
        if not clashing:
            return {source.path: name for source, name in zip(unique, names, strict=True)}
        raisable = [index for index in clashing if level[index] < _LEVELS]
        if not raisable:
            first, second = sorted(clashing)[:2]
            raise OutputError(
                f"would be written to the same file as {unique[second].path}",
                where=unique[first].path,
                hint="rename one of them",
            )
        for index in raisable:
            level[index] += 1


def folded(name: PurePosixPath | str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", str(name)).casefold()


def _spelled(relative: PurePosixPath, source: SourceFile, level: int) -> PurePosixPath:
    """A name that tells the more, the more clashes there were; the place on this machine comes in last."""
    parts = [relative.stem]
    if level >= 1 and relative.suffix:
        parts.append(relative.suffix[1:])
    if level >= 2:
        told = str(relative) if level == 2 else os.path.abspath(source.path)
        parts.append(sha256_bytes(told.encode("utf-8", "surrogateescape"))[:8])
    return relative.with_name("_".join(parts))


def _clashes(names: Sequence[PurePosixPath], numbered_form: re.Pattern[str]) -> set[int]:
    """Indices of the names that another input may write to."""
    owners: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        owners[folded(name)].append(index)
    clashing: set[int] = set()
    for key, indices in owners.items():
        if len(indices) > 1:
            clashing.update(indices)
        match = numbered_form.fullmatch(key)
        if match and match[1] in owners:
            clashing.update(indices, owners[match[1]])
    return clashing


def _under_their_roots(sources: Sequence[SourceFile]) -> list[PurePosixPath]:
    """Each source's relative name, behind its root's name where another root holds the same."""
    roots = _roots(sources)
    holders: dict[str, set[PurePosixPath]] = defaultdict(set)
    for source, root in zip(sources, roots, strict=True):
        holders[folded(source.relative.with_suffix(""))].add(root)
    rivals = {root for group in holders.values() if len(group) > 1 for root in group}
    prefix: dict[PurePosixPath, PurePosixPath] = {}
    depth = 1
    while rivals:  # the shortest tail of its path that no other rival ends in
        tails: dict[str, list[PurePosixPath]] = defaultdict(list)
        for root in rivals:
            tails[folded(PurePosixPath(*root.parts[1:][-depth:]))].append(root)
        for group in tails.values():
            if len(group) == 1 or depth >= max(len(root.parts) for root in group):
                prefix.update((root, PurePosixPath(*root.parts[1:][-depth:])) for root in group)
        rivals -= prefix.keys()
        depth += 1
    return [prefix[root] / source.relative if root in prefix else source.relative
            for source, root in zip(sources, roots, strict=True)]  # fmt: skip


def _roots(sources: Sequence[SourceFile]) -> list[PurePosixPath]:
    """The folder that each source was found below, absolute."""
    known: dict[tuple[Path, int], PurePosixPath] = {}
    roots = []
    for source in sources:
        key = source.path.parent, len(source.relative.parts) - 1
        if key not in known:
            folder = PurePosixPath(Path(os.path.abspath(key[0])).as_posix())
            known[key] = folder.parents[key[1] - 1] if key[1] else folder
        roots.append(known[key])
    return roots


def is_sheet(source: SourceFile) -> bool:
    """Whether a file is a contact sheet that facesynth wrote."""
    if source.path.suffix != ".png" or not _SHEET.fullmatch(source.path.stem):
        return False
    try:
        with Image.open(source.path) as image:
            return all(image.info.get(key) == value for key, value in SHEET_TEXT.items())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False  # whatever it is, it is not one of ours


class OutputTree:
    """A folder that results are written to, whole or not at all; used as a context.

    Made from the output folder, what the user named as inputs and the files found in it. Raises UsageError where the
    folder lies inside an input folder: the next run would take results for inputs.
    """

    def __init__(self, folder: Path, inputs: Iterable[str | Path], sources: Iterable[SourceFile]) -> None:
        self.folder = folder
        _refuse_inside(folder, inputs)
        self._inputs: dict[tuple[int, int], Path] = {}
        for source in sources:
            with contextlib.suppress(OSError):  # whoever reads it says why
                self._inputs[_identity(os.stat(source.path))] = source.path
        self._parents: set[Path] = set()
        self._aside = folder / f".partial-{socket.gethostname()}-{os.getpid()}"

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

    def copy(self, file: Path, stamp: FileStamp, relative: PurePosixPath) -> Path:
        """Put a copy of an artifact's file in its place, unless that already holds it.

        The copy carries the artifact's time of change, as with `rsync -t`: with equal size and time it is in place;
        with another time its sha256 decides. Raises CacheError where the artifact is damaged, OutputError for this
        item, OSError where no item can be written.
        """
        self._open()
        target = self.path(relative)
        changed = os.stat(file).st_mtime_ns
        found = self._stat(target)
        if found is not None and found.st_size == stamp.size:
            if found.st_mtime_ns == changed:
                return target
            if sha256_file(target) == stamp.digest:
                os.utime(target, ns=(changed, changed))
                return target
        with _item_faults(target):
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
        found = self._stat(target)
        if found is not None and found.st_size == len(data) and target.read_bytes() == data:
            return target
        with _item_faults(target):
            aside = self._prepare(target)
            aside.write_bytes(data)
            os.replace(aside, target)
        return target

    def _open(self) -> None:
        if not self._parents:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                _remove_stale(self.folder)
                self._aside.mkdir(exist_ok=True)
            except OSError as error:
                told = f"nothing can be written here ({error.strerror}); choose another output folder with -o"
                raise OSError(error.errno, told, str(self.folder)) from error
            self._parents.add(self.folder)

    def _stat(self, target: Path) -> os.stat_result | None:
        with _item_faults(target):
            try:
                found = os.stat(target)
            except FileNotFoundError:
                return None
        if (source := self._inputs.get(_identity(found))) is not None:
            raise OutputError(
                f"is the input {source}, which is never overwritten", where=target, hint="choose another -o"
            )
        return found

    def _prepare(self, target: Path) -> Path:
        """Make the folder that a write needs; the file to write aside."""
        if target.parent not in self._parents:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._parents.add(target.parent)
        return self._aside / "file"


class _item_faults:  # noqa: N801 - reads as a statement
    """Turn what is wrong with one name alone into an OutputError; let a full or read-only disk through."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError) and (error.errno in _ITEM_FAULTS or isinstance(error, FileExistsError)):
            raise OutputError(f"cannot be written ({error.strerror})", where=self._target) from error
        if isinstance(error, OSError):  # of copying, it may name the source
            told = f"{error.strerror}; make room, or choose another output folder with -o"
            raise OSError(error.errno, told, str(self._target)) from error


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _refuse_inside(folder: Path, inputs: Iterable[str | Path]) -> None:
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise UsageError("the output is a file, not a folder", where=folder, hint="name a folder with -o")
    for given in inputs:
        source = Path(os.path.realpath(given))
        if source.is_dir() and target.is_relative_to(source):
            raise UsageError(
                f"the output folder lies inside the input folder {given}", where=folder, hint="choose another -o"
            )


def _remove_stale(folder: Path) -> None:
    """Remove what runs that were killed have left: theirs on this machine, and any that is a day old."""
    here = f".partial-{socket.gethostname()}-"
    for left in folder.glob(".partial-*"):
        number = left.name.removeprefix(here)
        dead = left.name.startswith(here) and number.isdigit() and not _alive(int(number))
        try:
            if dead or time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue


def _alive(process: int) -> bool:
    if os.name != "posix":  # signal 0 would end a process on Windows
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
