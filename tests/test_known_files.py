"""An input is known whatever it is called, and inputs are not looked at one by one without need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from facesynth.core.errors import OutputError
from facesynth.core.scan import scan
from facesynth.outputs import OutputTree, known_files

COUNT = 40
"""More than are looked at one by one."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(COUNT):
        (folder / f"{index:02}.png").write_bytes(b"mine")
    return folder


@pytest.fixture
def looked_at(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The photos whose state is asked for."""
    asked: list[str] = []

    def stat(path: Any, *arguments: Any, real: Callable[..., os.stat_result] = os.stat, **options: Any) -> Any:
        if not isinstance(path, int) and os.path.dirname(path) == str(photos):
            asked.append(os.path.basename(path))
        return real(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat)
        yield asked


def tree_of(folder: Path, *inputs: Path, plainly: bool = False) -> OutputTree:
    """A tree for the results of these inputs, as a command tells of them, or `plainly` as a list."""
    found = scan(inputs)
    return OutputTree(folder, [], list(found) if plainly else found.on_disk)


def refuses(tree: OutputTree, name: str = "a.png") -> bool:
    try:
        tree.write(b"result", PurePosixPath(name))
    except OutputError as error:
        return "never overwritten" in str(error)
    return False


@pytest.mark.parametrize("plainly", [False, True])
def test_where_nothing_is_replaced_or_only_results_are_no_input_is_looked_at(
    photos: Path, tmp_path: Path, looked_at: list[str], plainly: bool
) -> None:
    tree = tree_of(tmp_path / "out", photos, plainly=plainly)
    looked_at.clear()
    for data in (b"first", b"again"):
        with tree:
            for index in range(COUNT):
                tree.write(data, PurePosixPath(f"{index:02}.png"))
    assert not looked_at and (tmp_path / "out" / "07.png").read_bytes() == b"again"


@pytest.mark.parametrize("plainly", [False, True])
@pytest.mark.parametrize("way", ["itself", "folder linked", "hard link", "input linked", "output linked", "archive"])
def test_an_input_is_not_overwritten_however_it_is_reached(
    photos: Path, tmp_path: Path, way: str, plainly: bool
) -> None:
    out, given = tmp_path / "out", photos
    mine = photos / "21.png"
    if way == "itself":
        out = photos
    elif way == "folder linked":
        out.symlink_to(photos, target_is_directory=True)
    else:
        out.mkdir()
    if way == "hard link":
        (out / "21.png").hardlink_to(mine)
    if way == "input linked":
        mine.rename(out / "21.png")
        mine.symlink_to(out / "21.png")
    if way == "output linked":
        (out / "21.png").symlink_to(mine)
    name = "21.png"
    if way == "archive":
        name, given = "21.tar", tmp_path / "packed"
        given.mkdir()
        (out / name).write_bytes(b"mine")
        (given / name).symlink_to(out / name)
    with tree_of(out, given, plainly=plainly and way != "archive") as tree:
        assert refuses(tree, name) and not refuses(tree, "other.png") and not refuses(tree, "other.png")
    assert (out / name).read_bytes() == b"mine"


def test_links_beside_the_inputs_are_nobody_s_and_a_lost_input_is_passed_over(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.json").touch()
    (photos / "latest.json").symlink_to(out / "a.json")
    sources = scan([photos])
    (photos / "21.png").unlink()
    with OutputTree(out, [], sources.on_disk) as tree:
        assert not refuses(tree, "a.json")


@pytest.mark.parametrize("count", [2, 8, 30])
def test_links_among_few_files_of_a_large_folder_are_known(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Few are looked at as they are; for more the folder is listed, but not to its end where that is far."""
    monkeypatch.setattr(known_files, "_FEW", 2)
    given, out = [photos / f"{index:02}.png" for index in range(count)], tmp_path / "out"
    out.mkdir()
    for one in given:
        one.rename(out / one.name)
        one.symlink_to(out / one.name)
    for index in range(COUNT):  # links lie in the midst of others, in whatever order they are listed
        (photos / f"other{index}.png").touch()
    with tree_of(out, *given) as tree:
        assert all(refuses(tree, one.name) for one in given)
