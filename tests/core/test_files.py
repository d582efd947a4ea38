"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesynth.core.errors import ImageError, OutputError
from facesynth.core.files import read_file, replacing


def test_a_file_is_seen_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.json"
    with replacing(target) as draft:
        draft.write_bytes(b"half")
        assert not target.exists() and draft.parent == target.parent and draft.name.startswith(".")
        draft.write_bytes(b"whole")
    assert target.read_bytes() == b"whole" and [*target.parent.iterdir()] == [target]


@pytest.mark.parametrize("error", [ValueError("a mistake"), KeyboardInterrupt()])
def test_what_fails_leaves_the_file_as_it_was_and_no_draft(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"before")
    with pytest.raises(type(error)), replacing(target) as draft:
        _half(draft, error)
    assert target.read_bytes() == b"before" and [*tmp_path.iterdir()] == [target]


def test_two_who_replace_one_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    with replacing(target) as first, replacing(target) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert target.read_bytes() == b"first" and [*tmp_path.iterdir()] == [target]


def test_a_disk_that_does_not_take_it_is_an_output_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    for target, error in ((tmp_path, None), (tmp_path / "file" / "a.json", None), (tmp_path / "a.json", OSError(28))):
        with pytest.raises(OutputError, match="cannot be written") as caught, replacing(target) as draft:
            _half(draft, error)
        assert caught.value.where == str(target) and caught.value.hint is None
    with pytest.raises(OutputError, match="; use another disk"), replacing(tmp_path, hint="use another disk"):
        pass
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


def _half(draft: Path, error: BaseException | None) -> None:
    draft.write_bytes(b"half")
    if error is not None:
        raise error


def test_a_folder_in_the_place_of_an_image_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError, match="a folder, not an image"):
        read_file(tmp_path)

    def refuse(folder: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ImageError, match="a folder that cannot be listed"):
        read_file(tmp_path)


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png"])
def test_a_name_that_no_file_can_have_is_an_image_error(name: str) -> None:
    with pytest.raises(ImageError, match="no file has such a name"):
        read_file(Path(name))
