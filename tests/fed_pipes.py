"""Named pipes whose writer is there: whoever reads them gets a file's text, and does not wait for ever."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def fed_pipe(path: Path, text: str) -> Iterator[Path]:
    """A named pipe that gives a text to its first reader."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(text,), daemon=True)
    writer.start()
    yield path
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # lets the writer go where nobody has read
    writer.join(10)
    os.close(descriptor)
