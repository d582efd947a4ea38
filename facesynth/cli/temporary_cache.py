"""The cache of `--no-cache`: a folder that is gone when the command ends, however it ends but by a kill."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path


@contextlib.contextmanager
def temporary_cache() -> Iterator[Path]:
    """Lend a folder in the system's place for temporary files, and remove it with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="facesynth-"))
    remove = partial(_remove, folder)
    # After a second Ctrl-C threads may still be writing; the interpreter waits for them, and then does this.
    atexit.register(remove)
    try:
        yield folder
    finally:
        remove()
    atexit.unregister(remove)


def _remove(folder: Path) -> None:
    """Remove a folder without being interrupted: faces of the user's photos would stay behind."""
    heard: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        heard = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
