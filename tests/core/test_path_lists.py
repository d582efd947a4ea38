"""Lists of paths and ranges of numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.core.path_lists import list_file, numbered_paths, read_list


def test_only_what_is_marked_and_no_file_names_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("@taken.txt").touch()
    assert list_file("@a.txt") == Path("a.txt")
    assert list_file("@") is list_file("a.txt") is list_file("./@a.txt") is list_file("@taken.txt") is None
    assert list_file(Path("@a.txt")) is None


def test_a_line_is_a_path_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"\xef\xbb\xbfa.jpg\r\n\n# not this\n./#b.jpg\n c .jpg \n/abs/d.jpg\n\xff.jpg\nlast")
    assert list(read_list(file)) == ["a.jpg", "./#b.jpg", " c .jpg ", "/abs/d.jpg", "\udcff.jpg", "last"]


@pytest.mark.parametrize("data", ["a.jpg\n".encode("utf-16"), b"\x89PNG\0\0", b"x" * 70_000])
def test_what_is_no_list_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(UsageError, match=r"line 1 is no path; a list is text"):
        list(read_list(tmp_path / "list"))
    with pytest.raises(UsageError, match=r"cannot be read \(No such file.*is \./@"):
        list(read_list(tmp_path / "gone"))


def test_ranges_keep_their_digits() -> None:
    def all_of(given: str) -> list[str]:
        return list(numbered_paths(given) or ())

    assert all_of("s-{0008..0011}.tar") == ["s-0008.tar", "s-0009.tar", "s-0010.tar", "s-0011.tar"]
    assert all_of("{1..2}/{0..1}") == ["1/0", "1/1", "2/0", "2/1"]
    assert numbered_paths("s-{a..b}.tar") is numbered_paths("s.tar") is None
    for wrong in ("{9..1}", "{0..99999999}"):
        with pytest.raises(UsageError, match="the range"):
            all_of(wrong)
