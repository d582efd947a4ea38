"""A folder of drawn photos, and sessions on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.image_files import write_photo
from facesynth.jobs.execution import Execution
from facesynth.jobs.session import Session
from facesynth.store import ArtifactStore
from tests.painted_stages import flat_photo

RED, PINK, GREEN, BLACK = (140, 10, 10), (210, 90, 90), (0, 255, 0), (0, 0, 0)


class Listener:
    """Notes what a job says of its progress."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.notes: list[str] = []

    def begin(self, total: int, what: str) -> None:
        self.total, self.done = total, 0

    def more(self, count: int) -> None:
        self.total += count

    def advance(self, count: int = 1) -> None:
        self.done += count

    def note(self, message: str, **about: object) -> None:
        self.notes.append(message)


Opener = Callable[..., Session]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One face, two faces, none, one that cannot be parsed, and no image at all."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    write_photo(flat_photo(RED), folder / "one.png")
    write_photo(flat_photo(RED, PINK), folder / "sub" / "two.png")
    write_photo(flat_photo(BLACK), folder / "none.png")
    write_photo(flat_photo(GREEN), folder / "green.png")
    (folder / "text.png").write_text("no image")
    return folder


@pytest.fixture
def opened(tmp_path: Path, photos: Path) -> Opener:
    """Makes a session on the photos that writes to `out`; options are Execution's, `inputs` other inputs."""

    def make(
        *inputs: Path, command: str = "job", out: str = "out", more: dict[str, Any] | None = None, **how: Any
    ) -> Session:
        execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=2, **how)
        return Session(command, inputs or (photos,), tmp_path / out, execution, **(more or {}))

    return make


def written(folder: Path) -> set[str]:
    """The files of a folder, by relative name."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def rows(session: Session) -> dict[str, str]:
    """The status of each row of a session's report, by file name and part."""
    return {str(row).rpartition("/")[2]: row.status for row in session.report.rows}


def progress(session: Session) -> tuple[int, int]:
    """How many of how many items a session has told to be finished."""
    listener = session.execution.progress
    assert isinstance(listener, Listener)
    return listener.done, listener.total


def write_flat_faces(folder: Path, count: int) -> Path:
    """A new folder of aligned faces, each of one red of its own."""
    folder.mkdir()
    for index in range(count):
        write_photo(flat_photo((14 * index + 16, 1, 1)), folder / f"{index:02}.png")
    return folder
