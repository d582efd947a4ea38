"""Which images lie in a folder: training, import and inspection find the same ones, links followed, hidden left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.core.scan import scan
from facesynth.datasets.folders import images_below
from facesynth.datasets.inspection.inspect import inspect_dataset
from facesynth.datasets.inspection.target import open_target
from facesynth.datasets.layouts.folder import FolderLayout
from tests.drawn_datasets import write_image

NAMES = ["a", "link/far", "sub/b", "sub/deep/c"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.png", "sub/b.jpg", "sub/deep/c.PNG", ".hidden/d.png", "sub/.e.png"):
        write_image(tmp_path / "photos" / name, 8)
    (tmp_path / "photos" / "notes.txt").touch()
    write_image(tmp_path / "elsewhere" / "far.png", 8)
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "photos" / "again").symlink_to("sub", target_is_directory=True)
    (tmp_path / "photos" / "sub" / "up").symlink_to("..", target_is_directory=True)
    (tmp_path / "photos" / "itself").symlink_to("itself")
    return tmp_path / "photos"


def test_all_who_look_through_a_folder_find_the_same(photos: Path) -> None:
    assert [name for name, _ in images_below(photos)] == NAMES
    assert sorted(entry.name for entry in FolderLayout(photos).entries()) == NAMES
    assert sorted(row.name for row in open_target(photos)) == NAMES
    assert [str(source.relative.with_suffix("")) for source in scan([photos])] == NAMES


def test_a_folder_that_cannot_be_listed_is_told_by_all(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked, scandir = photos / "sub" / "deep", os.scandir

    def refuse(folder: str | Path) -> object:
        if Path(folder) == locked:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match="cannot be listed") as caught:
        list(images_below(photos))
    assert caught.value.where == str(locked)
    layout = FolderLayout(photos)
    assert sorted(entry.name for entry in layout.entries()) == NAMES[:3]
    assert layout.notes() == (f"{locked} is left out: it cannot be listed (Permission denied)",)
    found = inspect_dataset(open_target(photos))
    told = [(fault.kind, fault.file, fault.what) for fault in found.faults]
    assert told == [("unreadable", locked, "the folder cannot be listed (Permission denied)")]
    assert found.images == 3 and found.exit_code == 3
    locked = photos
    with pytest.raises(UsageError, match="the folder cannot be listed") as caught:
        open_target(photos)
    assert caught.value.where == str(photos)
