"""Which entries each run used, one JSON line each: what `cache gc --keep-last` keeps."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from facesynth.core.refs import Digest

RUNS = "runs"


class RunLog:
    """The log of this process's run, made at the first note. Threads may share it.

    It only informs `cache gc`, so a cache that cannot be written (shared, read-only) goes without it.
    """

    def __init__(self, root: Path, *, off: bool = False) -> None:
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}.jsonl"
        self._path = root / RUNS / name
        self._lock = threading.Lock()
        self._stream: TextIOWrapper | None = None
        self._off = off

    def __del__(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):  # nobody could catch it here: Python would print it and go on
            self.flush()  # whoever uses a store without a run may never ask for it

    def note(self, stage: str, key: Digest) -> None:
        """Note that an entry was used."""
        with self._lock:
            try:
                stream = self._stream or self._open()
                if stream is not None:
                    stream.write(f'{{"stage":"{stage}","key":"{key}"}}\n')
            except OSError:
                self._off = True

    def flush(self) -> None:
        """Hand what was noted to the system and close the file; the next note opens it again."""
        with self._lock:
            stream, self._stream = self._stream, None
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                self._off = True

    def _open(self) -> TextIOWrapper | None:
        if not self._off:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("a", encoding="utf-8", buffering=1 << 16)
        return self._stream


def run_logs(root: Path) -> list[Path]:
    """The logs of a cache, newest first (by last write)."""
    found = []
    for path in (root / RUNS).glob("*.jsonl"):
        try:
            found.append((path.stat().st_mtime, path.name, path))
        except FileNotFoundError:
            continue
    return [path for _, _, path in sorted(found, reverse=True)]


def used_by(log: Path) -> Iterator[tuple[str, Digest]]:
    """(stage, key) of every entry that a run used. A line cut short by a kill is passed over."""
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                noted = json.loads(line)
                yield noted["stage"], noted["key"]
            except (ValueError, KeyError, TypeError):
                continue
