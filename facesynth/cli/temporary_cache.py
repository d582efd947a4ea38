"""The cache of `--no-cache`: a folder that is gone when the command ends, however it ends but by a kill."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from facesynth.core.stop_signals import handling_stop_signals


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
    with handling_stop_signals(signal.SIG_IGN):
        shutil.rmtree(folder, ignore_errors=True)
