"""Images without classes."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import InputError, UsageError
from facesynth.datasets.image_sets import Layout, open_image_set
from tests.datasets.image_sets.drawn import write_image, write_images


def test_flat_and_nested_folders_have_no_classes(tmp_path: Path) -> None:
    write_images(tmp_path, ["b.png", "a.JPG", "notes.png", ".hidden.png"])
    write_images(tmp_path / "more" / "deep", ["a.jpg"])
    (tmp_path / "read.me").write_text("no image")
    images = open_image_set(tmp_path, "folder")
    assert [images.name(index) for index in range(len(images))] == ["a", "b", "notes", "more/deep/a"]
    assert images.classes == () and images.target(0) is None and not images.multi
    assert images.read(3).size == (32, 32)


def test_links_are_followed_and_each_folder_is_entered_once(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "data", ["a.png", "sub/b.png"])
    write_image(tmp_path / "elsewhere" / "far.png")
    (folder / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "sub" / "up").symlink_to("..", target_is_directory=True)
    (folder / "itself").symlink_to("itself")
    images = open_image_set(folder, "folder")
    assert [images.name(index) for index in range(len(images))] == ["a", "sub/b", "link/far"]


def test_parts_of_a_folder(tmp_path: Path) -> None:
    write_images(tmp_path / "train", ["a.png", "b.png"])
    write_images(tmp_path / "val", ["c.png"])
    assert len(open_image_set(tmp_path)) == 2
    assert [open_image_set(tmp_path, part="test").name(0)] == ["c"]
    with pytest.raises(UsageError, match="no test part"):
        open_image_set(tmp_path / "train", part="test")


def test_names_that_differ_in_their_suffix_alone_collide(tmp_path: Path) -> None:
    write_images(tmp_path, ["a.png", "a.b.png", "a.jpg", "c.png"])
    with pytest.raises(InputError, match=r"a\.jpg and a\.png would have the same name, a; rename"):
        open_image_set(tmp_path)
    (tmp_path / "a.jpg").unlink()
    assert len(open_image_set(tmp_path)) == 3


@pytest.mark.parametrize("layout", ["auto", "folder", "classes"])
def test_a_folder_without_images_is_told(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UsageError, match=r"no images in it; names end in .*\.jpg"):
        open_image_set(tmp_path, layout)


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_image_set(tmp_path / "gone")
    with pytest.raises(UsageError, match="a file, and a folder is wanted"):
        open_image_set(write_image(tmp_path / "a.png"))


def test_unknown_layouts_and_parts_are_told(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    with pytest.raises(UsageError, match="no layout 'lmdb'; choose from auto, folder"):
        open_image_set(tmp_path, "lmdb")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no part 'dev'; choose from train, test"):
        open_image_set(tmp_path, part="dev")  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    os.rename(write_image(tmp_path / "a.png"), tmp_path / odd)
    images = open_image_set(tmp_path)
    assert images.name(0) == odd[:-4] and images.read(0).size == (32, 32)


@pytest.mark.parametrize("layout", ["auto", "folder", "classes"])
def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    write_images(tmp_path, ["cat/0.png", "dog/0.png"])
    scandir = os.scandir

    def refuse(path: str | Path) -> Any:
        if Path(path).name == "dog":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match=r"dog: cannot be listed \(Permission denied\); check its permissions"):
        open_image_set(tmp_path, layout)
