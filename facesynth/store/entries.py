"""One entry of the cache: a folder of files with a manifest that says what they are."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest, FileStamp, sha256_file
from facesynth.store.recipes import FORMAT

MANIFEST = "manifest.json"
ASIDE = ".tmp"
"""Where entries are written before they are published, and put before they are deleted."""

TAG = "CACHEDIR.TAG"
TAG_TEXT = """Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of facesynth; backup programs may pass it over (https://bford.info/cachedir/).
"""
"""The file that makes a folder a cache, for other programs and for us: without it nothing in a folder is deleted."""

TOUCH_AFTER = 600.0
"""Seconds. A hit renews the time of last use only where it is older: reading must not cost a write each time."""

_SHARD, _KEY = re.compile("[0-9a-f]{2}"), re.compile("[0-9a-f]{64}")
_HINT = "run: facesynth cache verify --remove"


@dataclass(frozen=True, slots=True)
class Entry:
    """A published artifact: `files` without the manifest, of which `main` is the one whose sha256 is the artifact's.

    A cached rejection has a reason in `rejected`, no files and no main file.
    """

    folder: Path
    stage: str
    key: Digest
    files: Mapping[str, FileStamp]
    main: str | None
    rejected: str | None
    used: float
    """When it was made or last hit (within ten minutes), in seconds since the epoch."""

    @property
    def main_digest(self) -> Digest:
        """The artifact's digest. Raises CacheError for a rejection, which has none."""
        if self.main is None:
            raise CacheError("a rejection has no main file", where=self.folder)
        return self.files[self.main].digest

    @property
    def size(self) -> int:
        """Bytes in its files, without the manifest."""
        return sum(stamp.size for stamp in self.files.values())

    def file(self, name: str) -> Path:
        """Where a file of it lies. Raises CacheError for a name that it does not hold."""
        if name not in self.files:
            raise CacheError(
                f"there is no {name!r} in this entry", where=self.folder, hint=f"it holds {list(self.files)}"
            )
        return self.folder / name

    def check(self, names: Iterable[str] | None = None) -> None:
        """Read these files, or all, and raise CacheError for the first whose bytes are not its stamp's."""
        for name in self.files if names is None else names:
            try:
                right = sha256_file(self.file(name)) == self.files[name].digest
            except OSError as error:
                what = f"the cached {name} cannot be read ({error.strerror or error})"
                raise CacheError(what, where=self.folder, hint=_HINT) from error
            if not right:
                raise CacheError(f"the cached {name} differs from its sha256", where=self.folder, hint=_HINT)

    def manifest(self) -> Mapping[str, Any]:
        """All that is noted about it: recipe, files, and when, where and with what it was made."""
        return _parse(_read(f"{self.folder}/{MANIFEST}")[0], str(self.folder))


def manifest_bytes(
    key: Digest,
    recipe: Mapping[str, object],
    files: Mapping[str, FileStamp],
    main: str | None,
    rejected: str | None,
    made: Mapping[str, str],
) -> bytes:
    """The manifest of an entry, readable by people."""
    content = {
        "format": FORMAT,
        "key": key,
        "recipe": recipe,
        "main": main,
        "rejected": rejected,
        "files": {name: {"size": stamp.size, "sha256": stamp.digest} for name, stamp in files.items()},
        "made": made,
    }
    return json.dumps(content, indent=1).encode()


def read_entry(folder: str, stage: str, key: Digest, *, touch: bool = False) -> Entry:
    """The entry in `folder`, its files checked by size; `touch` renews its time of last use.

    Raises FileNotFoundError where there is no manifest, and CacheError for damage that shows without reading the files.
    Strings and `os`, not pathlib: this is what each hit costs.
    """
    path = f"{folder}/{MANIFEST}"
    data, used = _read(path)
    content = _parse(data, folder)
    try:
        if content["format"] != FORMAT or content["key"] != key or content["recipe"]["stage"] != stage:
            raise CacheError("the manifest is another entry's", where=folder, hint=_HINT)
        files = {name: FileStamp(size=file["size"], digest=file["sha256"]) for name, file in content["files"].items()}
        main, rejected = content["main"], content["rejected"]
    except (KeyError, TypeError, AttributeError) as error:
        raise CacheError(f"the manifest is incomplete ({error})", where=folder, hint=_HINT) from error
    if (main in files) == isinstance(rejected, str):
        raise CacheError("the manifest holds neither a result nor a rejection", where=folder, hint=_HINT)
    for name, stamp in files.items():
        try:
            size = os.stat(f"{folder}/{name}").st_size
        except OSError as error:
            raise CacheError(f"{name} is missing", where=folder, hint=_HINT) from error
        if size != stamp.size:
            raise CacheError(f"{name} has {size} bytes instead of {stamp.size}", where=folder, hint=_HINT)
    if touch and time.time() - used > TOUCH_AFTER:
        with contextlib.suppress(OSError):  # a cache that is shared read-only still answers
            os.utime(path)
    return Entry(Path(folder), stage, key, files, main, rejected, used)


def entry_folder(root: str, stage: str, key: Digest) -> str:
    """Where an entry lies, or would."""
    return f"{root}/{stage}/{key[:2]}/{key}"


def stage_names(root: Path) -> list[str]:
    """The stages that have entries, sorted. Raises CacheError for a folder that holds something and is no cache."""
    try:
        with os.scandir(root) as found:
            items = list(found)
    except FileNotFoundError:
        return []
    if items and not is_tagged(root):
        raise CacheError(f"this folder is no cache of facesynth's: it holds no {TAG}", where=root, hint="check --cache")
    return sorted(item.name for item in items if item.is_dir() and is_stage_name(item.name))


def is_tagged(root: Path) -> bool:
    """Whether our tag lies in the folder. Raises CacheError where another program's does: the folder is that one's."""
    try:
        text = (root / TAG).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CacheError(f"its {TAG} cannot be read ({error.strerror or error})", where=root) from error
    if text.strip("\0") not in ("", TAG_TEXT):  # empty or zeros: ours or not, a power cut took it
        what = f"this folder is no cache of facesynth's: its {TAG} is another program's"
        raise CacheError(what, where=root, hint="choose another folder with --cache DIR")
    return text == TAG_TEXT


def is_stage_name(name: str) -> bool:
    """Whether a stage may be called so: lowercase letters, digits, hyphens; not `runs`, which is the logs' folder."""
    return (
        name != "runs" and name[:1].isalpha() and name.replace("-", "").isalnum() and name.isascii() and name.islower()
    )


def entry_folders(root: Path, stage: str) -> Iterator[os.DirEntry[str]]:
    """Every entry's folder of a stage, damaged ones too, in no order; folders that are not named like one are not."""
    for shard in shard_folders(root, stage):
        yield from entries_in(shard)


def shard_folders(root: Path, stage: str) -> Iterator[os.DirEntry[str]]:
    """The folders, 256 at most, that a stage's entries lie in, in no order."""
    return (shard for shard in _folders(root / stage) if _SHARD.fullmatch(shard.name))


def entries_in(shard: os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    """The entries' folders in a shard, as `entry_folders` has them."""
    for folder in _folders(Path(shard.path)):
        if _KEY.fullmatch(folder.name) and folder.name.startswith(shard.name):
            yield folder


def _folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from (item for item in found if item.is_dir(follow_symlinks=False))
    except FileNotFoundError:  # deleted by another process in the meantime
        return


def _read(path: str) -> tuple[bytes, float]:
    with open(path, "rb", buffering=0) as stream:
        return stream.readall(), os.fstat(stream.fileno()).st_mtime


def _parse(data: bytes, folder: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError as error:
        raise CacheError("the manifest is not JSON", where=folder, hint=_HINT) from error
    if not isinstance(content, dict):
        raise CacheError("the manifest is not a JSON object", where=folder, hint=_HINT)
    return content
