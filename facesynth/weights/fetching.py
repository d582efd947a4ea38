"""How weights that a server keeps come to this disk: fetched aside, verified, published by one rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing
from facesynth.weights.entries import WeightsFile, entry_of
from facesynth.weights.places import check, fetched_folder, find

Progress = Callable[[int, int], None]
"""Called with (bytes fetched, bytes in all), the second 0 where the server does not say."""


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Return the verified file of a name, fetched first where it is not on this disk.

    Raises WeightsMissing for an unknown name or one that has no URL, WeightsDamaged where the server sends other
    bytes, and WeightsError where FACESYNTH_OFFLINE is set or the network fails.
    """
    entry = entry_of(name)
    try:
        return find(entry)
    except WeightsError:
        if not entry.url:
            raise
    return download(entry, fetched_folder(), progress)


def download(entry: WeightsFile, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch an entry's URL into `folder`, verify it, and publish it by one rename. Raises as `fetch` does."""
    target = folder / entry.file
    by_hand = f"fetch it elsewhere and put it at {target}"
    if entry.url is None:
        raise WeightsMissing(f"the weights {entry.name} have no URL", hint=entry.how_to_get)
    if os.environ.get("FACESYNTH_OFFLINE", "0").lower() not in ("", "0", "false", "no"):
        raise WeightsError("not fetched, FACESYNTH_OFFLINE is set", where=entry.url, hint=f"unset it, or {by_hand}")
    import pooch  # type: ignore[import-untyped]

    bar = _Bar(progress) if progress else False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
        try:
            # Not pooch.retrieve: it publishes before `check` could say what is wrong in words of ours.
            with (aside / entry.file).open("wb") as file:
                pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 18)(entry.url, _Bounded(file, entry), None)
            check(aside / entry.file, entry)
            os.replace(aside / entry.file, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except WeightsDamaged as error:
        raise WeightsDamaged(f"the server sent another file: {error.what}", where=entry.url, hint=by_hand) from error
    except (OSError, ValueError) as error:  # requests' own errors are OSErrors, a malformed URL's are ValueErrors too
        raise WeightsError(f"cannot be fetched ({error})", where=entry.url, hint=f"try again, or {by_hand}") from error
    return target


class _Bounded:
    """A file that takes no more bytes than its entry has, whatever a server goes on to send."""

    def __init__(self, file: BinaryIO, entry: WeightsFile) -> None:
        self._file, self._entry, self._room = file, entry, entry.size

    def write(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise WeightsDamaged(f"it has more bytes than the {self._entry.size} of {self._entry.name}")
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


class _Bar:
    """What pooch wants of a progress bar, as a callback."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.done, self.total = progress, 0, 0

    def update(self, count: int) -> None:
        self.done += count
        self.progress(min(self.done, self.total or self.done), self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass
