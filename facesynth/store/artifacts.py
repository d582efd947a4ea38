"""Looking artifacts up and publishing them."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from facesynth import __version__
from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest, FileStamp, Rejected, sha256_bytes, sha256_file
from facesynth.store.entries import (
    ASIDE,
    MANIFEST,
    TAG,
    TAG_TEXT,
    Entry,
    entry_folder,
    is_stage_name,
    is_tagged,
    manifest_bytes,
    read_entry,
)
from facesynth.store.recipes import Recipe
from facesynth.store.run_log import RunLog

_ATTEMPTS = 10
"""Each lost attempt means that another process published or removed the same entry in between."""


class ArtifactStore:
    """The cache in the folder `root`, which is made when first written to.

    An entry is `<stage>/<ab>/<key>/`: files and a manifest, whole from the moment that it can be seen, never changed.
    Any number of threads, processes and machines (on a shared file system) may use one store; there are no locks.
    Nothing is synced to the disk: what a power cut spoils shows in its sizes, counts as a miss, and is replaced.

    With `noted` unset it keeps no log of what it used: that of a run whose work it does notes it all.
    """

    def __init__(self, root: Path, *, noted: bool = True) -> None:
        self.root = root
        self._root = os.fspath(root)
        self._log = RunLog(root, off=not noted)
        self._tagged = False

    def lookup(self, stage: str, key: Digest) -> Entry | None:
        """The entry, noted as used; None for none or a damaged one (file missing, wrong size, bad manifest)."""
        entry = self._intact(stage, key, touch=True)
        if entry is not None:
            self._log.note(stage, key)
        return entry

    def publish(
        self,
        recipe: Recipe,
        result: Mapping[str, bytes | Path] | Rejected,
        *,
        main: str | None = None,
        replace: bool = False,
        move: bool = False,
    ) -> Entry:
        """Make `result` the entry of `recipe`: a rejection, or files by name (bytes, or a file to copy) with `main`.

        With `move` files are not copied but moved: they lie in a `workplace`, and are too large for two.
        Where an intact entry exists, that one is kept and returned, unless `replace` is set and any byte differs. A
        damaged one is replaced. Raises CacheError for unusable names, and where the folder cannot be written.
        """
        rejected = result.reason if isinstance(result, Rejected) else None
        files: Mapping[str, bytes | Path] = {} if isinstance(result, Rejected) else result
        _check_names(recipe.stage, files, main, rejected is not None)
        key = recipe.key()
        with self.workplace() as aside, written_to(self.root):
            stamps = {name: _write(aside / name, content, move=move) for name, content in files.items()}
            _write(aside / MANIFEST, manifest_bytes(key, recipe.as_json(), stamps, main, rejected, _made()))
            entry = self._put_in_place(aside, recipe.stage, key, stamps, replace)
        self._log.note(recipe.stage, key)
        return entry

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """Lend an empty folder on the cache's disk, for files that are too large for memory.

        Raises CacheError where there can be none; what the caller writes there, it puts under `written_to`.
        """
        aside = _aside(self.root)
        try:
            with written_to(self.root):
                self._make(aside)
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _make(self, aside: Path) -> None:
        """Make a folder in the cache, and mark that as one, once. Raises CacheError for another program's cache."""
        tagged = self._tagged or is_tagged(self.root)
        aside.mkdir(parents=True)
        if not tagged:  # by a rename: half a tag would look to others like another program's
            (aside / TAG).write_text(TAG_TEXT, encoding="utf-8")
            os.replace(aside / TAG, self.root / TAG)
        self._tagged = True

    def flush(self) -> None:
        """Hand the notes of what this run used to the system, for `cache gc --keep-last`."""
        self._log.flush()

    def _intact(self, stage: str, key: Digest, *, touch: bool = False) -> Entry | None:
        try:
            return read_entry(entry_folder(self._root, stage, key), stage, key, touch=touch)
        except (OSError, CacheError):
            return None

    def _put_in_place(
        self, aside: Path, stage: str, key: Digest, stamps: Mapping[str, FileStamp], replace: bool
    ) -> Entry:
        target = Path(entry_folder(self._root, stage, key))
        failure: OSError | None = None
        for _ in range(_ATTEMPTS):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                aside.rename(target)
            except OSError as error:
                failure = error
            else:
                return read_entry(str(target), stage, key)
            existing = self._intact(stage, key)
            if existing is not None and (not replace or (existing.files == stamps and _is_whole(existing))):
                return existing
            put_away(self.root, target)
        raise failure or OSError("the entry could not be put in its place")


@contextlib.contextmanager
def written_to(root: Path) -> Iterator[None]:
    """Whatever the system refuses here is the cache's: CacheError, with the way out."""
    try:
        yield
    except OSError as error:
        closed = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
        hint = "choose another folder with --cache DIR"
        hint = hint if closed else f"free some space, or {hint}"
        raise CacheError(f"cannot be written ({error.strerror or error})", where=root, hint=hint) from error


def discard(entry: Path) -> None:
    """Take away the entry in this folder, which has turned out to be damaged: the next lookup is a miss."""
    put_away(entry.parents[2], entry)


def put_away(root: Path, folder: Path) -> None:
    """Take an entry out of sight with one rename, then delete it. Another process may have been faster."""
    doomed = _aside(root)
    doomed.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _aside(root: Path) -> Path:
    return root / ASIDE / uuid.uuid4().hex


def _is_whole(entry: Entry) -> bool:
    try:
        entry.check()
    except CacheError:
        return False
    return True


def _check_names(stage: str, files: Mapping[str, object], main: str | None, rejected: bool) -> None:
    if not is_stage_name(stage):
        raise CacheError(f"{stage!r} is no name for a stage", hint="use lowercase letters, digits and hyphens")
    for name in files:
        if not name or name == MANIFEST or name.startswith(".") or any(letter in name for letter in "/\\:\0"):
            raise CacheError(f"{name!r} is no name for a file of an entry", where=stage)
    fits = main is None if rejected else main in files
    if not fits:
        raise CacheError(f"the main file {main!r} is not among {sorted(files)}", where=stage)


def _write(path: Path, content: bytes | Path, *, move: bool = False) -> FileStamp:
    if isinstance(content, Path):
        (os.replace if move else shutil.copyfile)(content, path)
        return FileStamp(path.stat().st_size, sha256_file(path))
    path.write_bytes(content)
    return FileStamp(len(content), sha256_bytes(content))


def _made() -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": now, "on": platform.node(), "system": platform.platform(terse=True), "facesynth": __version__}
