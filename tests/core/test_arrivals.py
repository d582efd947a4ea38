"""Which files of a watched folder are complete, at each look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.arrivals import Arrivals, Looked
from facesynth.core.errors import UsageError


class Watched:
    """Arrivals in folders, with a clock that is set by hand."""

    def __init__(self, *folders: Path, **more: Any) -> None:
        self.now = 0.0
        self.arrivals = Arrivals([*folders], settle=2.0, clock=lambda: self.now, **more)

    def after(self, seconds: float) -> Looked:
        self.now += seconds
        return self.arrivals.look()

    def told(self, seconds: float) -> list[str]:
        return [str(source.relative) for source in self.after(seconds).complete]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    return folder


def put(path: Path, data: bytes = b"all of it", *, at: int = 1) -> Path:
    """A file with a time of change of its own: clocks of file systems tick slowly."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(at * 10**9, at * 10**9))
    return path


def test_a_file_is_told_once_it_has_not_changed_for_so_long(inbox: Path) -> None:
    put(inbox / "b.png")
    put(inbox / "a.png")
    watched = Watched(inbox)
    assert watched.told(0) == [] and watched.told(1.9) == []
    put(inbox / "sub" / "later.JPG")
    assert watched.told(0.1) == ["a.png", "b.png"]
    assert watched.told(1.9) == [] and watched.told(0.1) == ["sub/later.JPG"]
    assert watched.told(100) == [], "each is told once"


def test_a_file_that_is_still_written_is_waited_for(inbox: Path) -> None:
    path, watched = put(inbox / "slow.png", b"0"), Watched(inbox)
    for second in range(1, 9):
        assert watched.told(1) == []
        put(path, b"0" * second, at=second)
    for second in range(9, 12):  # of the size that it will have from the start, as some copy
        assert watched.told(1) == []
        put(path, b"0" * 8, at=second)
    assert watched.told(1) == [] and watched.told(1) == [] and watched.told(1) == ["slow.png"]


def test_other_bytes_are_told_again_and_a_file_that_is_gone_is_forgotten(inbox: Path) -> None:
    path, watched = put(inbox / "one.png"), Watched(inbox)
    watched.told(0)
    assert watched.told(2) == ["one.png"]
    aside = put(inbox / ".one.png.part", b"ALL OF IT", at=2)
    os.replace(aside, path)
    assert watched.told(1) == [] and watched.told(2) == ["one.png"]
    path.unlink()
    assert watched.after(1).gone == [str(path)] and watched.after(1).gone == []
    put(path)
    assert watched.told(1) == [] and watched.told(2) == ["one.png"]


def test_a_file_that_is_gone_before_it_was_complete_is_never_told(inbox: Path) -> None:
    path, watched = put(inbox / "sub" / "one.png"), Watched(inbox)
    watched.told(0)
    path.unlink()
    path.parent.rmdir()
    found = watched.after(3)
    assert found.complete == [] and found.unlisted == []


def test_what_was_told_and_has_changed_since_is_told_again(inbox: Path) -> None:
    path, watched = put(inbox / "one.png"), Watched(inbox)
    watched.told(0)
    assert not watched.arrivals.is_as_told(str(path)), "it was not told yet"
    watched.told(2)
    assert watched.told(2) == ["one.png"] and watched.arrivals.is_as_told(str(path))
    put(path, b"half")
    assert not watched.arrivals.is_as_told(str(path))
    put(path)  # as it was, but somebody has been told otherwise
    assert not watched.arrivals.is_as_told(str(path))
    assert watched.told(1) == [] and watched.told(2) == ["one.png"]
    assert watched.arrivals.is_as_told(str(path))


def test_hidden_files_other_kinds_and_results_are_passed_by(inbox: Path, tmp_path: Path) -> None:
    put(inbox / ".half.png")
    put(inbox / ".rsync" / "half.png")
    put(inbox / "notes.txt")
    put(tmp_path / "out" / "labels" / "result.png")
    put(tmp_path / "elsewhere" / "linked.png")
    (inbox / "results").symlink_to(tmp_path / "out" / "labels")
    (inbox / "more").symlink_to(tmp_path / "elsewhere")
    watched = Watched(inbox, without=tmp_path / "out")
    assert watched.told(0) == [] and watched.told(2) == ["more/linked.png"]


def test_several_folders_are_told_apart_and_each_file_comes_once(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox / "one.png")
    put(tmp_path / "other" / "in" / "one.png")
    put(tmp_path / "third" / "sub" / "one.png")
    folders = (inbox, tmp_path / "other" / "in", tmp_path / "third", inbox / "sub", inbox)
    watched = Watched(*folders)
    parent = tmp_path.name
    assert watched.told(0) == []
    wanted = [f"{parent}/in/one.png", f"{parent}/third/sub/one.png", "other/in/one.png"]
    assert sorted(watched.told(2)) == sorted(wanted)
    monkeypatch.chdir(inbox)
    watched = Watched(Path())
    assert watched.told(0) == [] and watched.told(2) == ["one.png"] and watched.arrivals.is_as_told("one.png")


def test_a_folder_that_cannot_be_listed_for_a_while_is_told_once_and_nothing_of_it_twice(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox / "sub" / "one.png")
    watched, real, shut = Watched(inbox), os.scandir, {"sub"}

    def scandir(folder: Path) -> Any:
        if Path(folder).name in shut:
            raise PermissionError(13, "Permission denied")
        return real(folder)

    watched.told(0)
    assert watched.told(2) == ["sub/one.png"]
    monkeypatch.setattr(os, "scandir", scandir)
    found = watched.after(1)
    assert found.gone == [] and [folder for folder, _ in found.unlisted] == [inbox / "sub"]
    assert watched.after(1).unlisted == []
    shut.clear()
    assert watched.told(2) == [] and watched.told(2) == []
    shut.add("sub")
    assert [folder for folder, _ in watched.after(1).unlisted] == [inbox / "sub"], "another time"
    shut.clear()
    inbox.rename(tmp_path / "away")  # as a share does that is not there for a while
    found = watched.after(1)
    assert found.gone == [] and [folder for folder, _ in found.unlisted] == [inbox]
    (tmp_path / "away").rename(inbox)
    assert watched.told(2) == [] and watched.told(2) == []


@pytest.mark.parametrize("name", ["one.png", "nowhere"])
def test_only_folders_are_watched(inbox: Path, name: str) -> None:
    put(inbox / "one.png")
    with pytest.raises(UsageError, match="only a folder can be watched"):
        Watched(inbox / name)
