from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import UsageError
from facesynth.core.scan import scan, walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "b.png",
        "a.JPG",
        "sub/c.webp",
        "sub/deep/d.png",
        "notes.txt",
        ".hidden.png",
        ".git/e.png",
        "sub/f.pdf",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "photos"


def names(found: list[str | Path] | list[str] | list[Path]) -> list[str]:
    return [str(source.relative) for source in scan(found)]


def test_folders_are_searched_through_and_sorted(tree: Path) -> None:
    assert names([tree]) == ["a.JPG", "b.png", "sub/c.webp", "sub/deep/d.png"]
    assert [source.path for source in scan([tree])] == [tree / name for name in names([tree])]


def test_files_go_by_their_bare_name_whatever_their_suffix(tree: Path) -> None:
    assert names([tree / "sub" / "c.webp", tree / "notes.txt", tree / ".hidden.png"]) == [
        ".hidden.png",
        "c.webp",
        "notes.txt",
    ]


def test_patterns_mirror_the_tree_below_their_fixed_part(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names([f"{tree}/*.png"]) == ["b.png"]
    assert names([f"{tree}/**/*.png"]) == ["b.png", "sub/deep/d.png"]
    assert names([f"{tree}/s*"]) == ["sub/c.webp", "sub/deep/d.png"]
    assert names([f"{tree}/*"]) == names([tree])
    monkeypatch.chdir(tree)
    assert names(["*.[pP]ng", "."]) == names(["."]) == ["a.JPG", "b.png", "sub/c.webp", "sub/deep/d.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tree: Path) -> None:
    (tree / "photo[1].png").write_bytes(b"")
    assert names([tree / "photo[1].png"]) == ["photo[1].png"]


def test_unicode_and_spaces_are_letters_like_others(tree: Path) -> None:
    (tree / "ünï 顔").mkdir()
    (tree / "ünï 顔" / "two words.png").write_bytes(b"")
    assert "ünï 顔/two words.png" in names([tree])


def test_each_file_comes_once_and_the_order_given_does_not_matter(tree: Path) -> None:
    (tree / "link").symlink_to("sub", target_is_directory=True)
    given: list[str | Path] = [
        tree,
        tree / "sub",
        tree / "sub" / "c.webp",
        f"{tree}/**/*.png",
        tree / "sub" / ".." / "b.png",
        tree / "link",
    ]
    expected = scan([tree])
    for seed in range(6):
        random.Random(seed).shuffle(given)
        assert scan(given) == expected


def test_links_that_run_in_circles_end(tree: Path) -> None:
    before = names([tree])
    (tree / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "sub" / "up").symlink_to("..", target_is_directory=True)
    (tree / "a_link").symlink_to("sub", target_is_directory=True)
    (tree / "itself").symlink_to("itself")
    assert names([tree]) == before
    assert names([f"{tree}/**/*"]) == before


def test_linked_folders_and_files_outside_are_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "z.png").write_bytes(b"")
    (tree / "more").symlink_to(outside, target_is_directory=True)
    (tree / "one.png").symlink_to(outside / "z.png")
    assert {"more/z.png", "one.png"} <= set(names([tree]))


def test_what_cannot_be_read_is_listed_so_that_it_gets_reported(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "dangling.png").symlink_to("nowhere")
    (tree / "circle.png").symlink_to("circle.png")
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if folder == tree / "sub" / "deep":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("facesynth.core.scan.os.scandir", refuse)
    assert names([tree]) == ["a.JPG", "b.png", "circle.png", "dangling.png", "sub/c.webp", "sub/deep"]


def test_a_missing_path_and_an_empty_folder_are_usage_errors(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.png: no such file"):
        scan([tree, tmp_path / "missing.png"])
    (tmp_path / "empty").mkdir()
    for nothing in ([tmp_path / "empty"], [f"{tree}/*.tiff"], []):
        with pytest.raises(UsageError, match="no files ending in"):
            scan(nothing)


def test_a_walk_takes_linked_folders_last_and_each_once(tree: Path) -> None:
    (tree / "a_link").symlink_to("sub", target_is_directory=True)
    (tree / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "itself").symlink_to("itself")
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "z.png").touch()
    (tree / "0_first").symlink_to(elsewhere, target_is_directory=True)

    def walked(**options: Any) -> list[tuple[str, list[str]]]:
        def refuse(folder: Path, error: OSError) -> None:
            raise error

        return [(folder.relative_to(tree).as_posix(), names) for folder, names in walk(tree, refuse, **options)]

    own = [(".", ["a.JPG", "b.png"]), ("sub", ["c.webp"]), ("sub/deep", ["d.png"])]
    assert walked() == [*own, ("0_first", ["z.png"])]
    assert walked(links=False) == own
    assert walked(without=(tree / "sub",)) == [own[0], ("0_first", ["z.png"])]
    assert walked(suffixes={".pdf"}, links=False) == [(".", []), ("sub", ["f.pdf"]), ("sub/deep", [])]
    hidden = dict(walked(links=False, hidden=True))
    assert hidden["."] == [".hidden.png", "a.JPG", "b.png"] and hidden[".git"] == ["e.png"]


def test_a_walk_goes_on_past_folders_that_cannot_be_listed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir, heard = os.scandir, list[tuple[Path, str | None]]()

    def refuse(folder: Path) -> object:
        if folder.name == "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list(walk(tree, lambda folder, error: heard.append((folder, error.strerror))))
    assert found == [(tree, ["a.JPG", "b.png"])] and heard == [(tree / "sub", "Permission denied")]


def test_other_suffixes_can_be_asked_for(tree: Path) -> None:
    assert [str(source.relative) for source in scan([tree], suffixes={".pdf"})] == ["sub/f.pdf"]
