from __future__ import annotations

import gzip
import os
import random
import tracemalloc
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from facesynth.core.errors import ImageError, UsageError
from facesynth.core.files import read_file
from facesynth.core.scan import scan, walk
from tests.core.test_archives import write_tar


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
        "notes.txt",
        "c.webp",
    ], "folder by folder"


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
    expected = list(scan([tree]))
    for seed in range(6):
        random.Random(seed).shuffle(given)
        assert list(scan(given)) == expected


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


@pytest.mark.parametrize("name", ["z.tar.gz", "z.TGZ", "z.tar.zst"])
def test_a_compressed_archive_is_told_to_be_one_wherever_it_lies(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(random.Random(0).randbytes(2000)))
    (tmp_path / "notes.gz").write_bytes(b"none of our business")
    for given in (tmp_path, tmp_path / name, f"{tmp_path}/z.*"):
        [found] = scan([given])
        assert found.path == tmp_path / name and found.part is not None
        with pytest.raises(ImageError, match="a compressed archive; decompress it"):
            found.part.read(name)
    (tmp_path / "a.jpg").write_bytes(b"")
    assert [one.path.name for one in scan([tmp_path])] == ["a.jpg", name]


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


def test_an_archive_stands_for_the_images_in_it_wherever_it_was_found(tree: Path) -> None:
    write_tar(tree / "sub" / "more.tar", "2.jpg", "1.jpg", "1.json", "in/3.png", ".4.png")
    inside = ["more/2.jpg", "more/1.jpg", "more/in/3.png"]
    assert names([tree / "sub" / "more.tar"]) == inside
    assert names([f"{tree}/**/*.tar"]) == [f"sub/{name}" for name in inside]
    assert [name for name in names([tree]) if "more" in name] == [f"sub/{name}" for name in inside]
    found = scan([tree])
    assert len(found) == 4 and len(list(found)) == 7 == len(found)
    for source in found:
        assert found.file(str(source.path)) == source
    assert found.file(str(tree / "sub" / "more.tar" / "1.jpg")).part is not None


def test_how_many_lie_in_an_archive_is_told_once(tree: Path) -> None:
    for index in range(6):
        write_tar(tree / f"{index}.tar", *(f"{number}.jpg" for number in range(index + 1)))
    found, told = scan([f"{tree}/*.tar"]), list[int]()
    found.on_listed = told.append
    assert [found.all_known for _ in found] == [False] * 15 + [True] * 6, "once the last one is listed"
    assert len(list(found)) == 21
    assert told == [1, 2, 3, 4, 5, 6]


def test_a_damaged_archive_and_one_without_images_are_listed_themselves(tree: Path) -> None:
    write_tar(tree / "cut.tar", "1.jpg", "2.jpg")
    (tree / "cut.tar").write_bytes((tree / "cut.tar").read_bytes()[:1540])
    write_tar(tree / "void.tar", "1.txt")
    found = list(scan([tree / "cut.tar", tree / "void.tar"]))
    assert [str(source.relative) for source in found] == ["cut/1.jpg", "cut/2.jpg", "cut.tar", "void.tar"]
    for source, what in zip(found[2:], ("cut off", r"without files ending in \.avif"), strict=True):
        assert source.part is not None
        with pytest.raises(ImageError, match=what):
            source.part.read(str(source.path))


def test_a_list_names_files_and_their_names_mirror_it(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "far" / "z.png"
    outside.parent.mkdir(parents=True)
    outside.touch()
    write_tar(tree / "x.tar", "1.jpg")
    lines = ["sub/c.webp", "b.png", "sub/deep/../c.webp", str(outside), "gone.png", "notes.txt", "x.tar", "b.png"]
    (tree / "list.txt").write_text("\n".join(lines))
    found = list(scan([f"@{tree}/list.txt"]))
    whole = str(PurePosixPath(*outside.parts[1:]))
    assert sorted(str(source.relative) for source in found) == sorted(
        ["b.png", "gone.png", "notes.txt", whole, "sub/c.webp", "x/1.jpg"]
    )
    with pytest.raises(ImageError, match="No such file"):
        read_file(tree / "gone.png")
    for folder in ("sub/..", ".", "sub/deep/"):
        (tree / "list.txt").write_text(folder)
        with pytest.raises(UsageError, match="the list names a folder"):
            scan([f"@{tree}/list.txt"])


def test_a_long_list_is_held_in_little_more_than_its_names(tmp_path: Path) -> None:
    def taken(count: int) -> int:
        file = tmp_path / "list"
        file.write_text("".join(f"a/long/folder/{index // 100:05}/{index:07}.jpg\n" for index in range(count)))
        tracemalloc.start()
        found = scan([f"@{file}"])
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(found) == count
        return now

    taken(1000)
    assert taken(11_000) - taken(1000) < 10_000 * 45, "11 letters and 4 bytes each, and a folder for every hundred"


def test_a_range_of_numbers_stands_for_each_of_them(tree: Path) -> None:
    for index in range(8, 12):
        write_tar(tree / f"s-{index:03}.tar", f"{index}.jpg")
    assert names([f"{tree}/s-{{008..010}}.tar"]) == ["s-008/8.jpg", "s-009/9.jpg", "s-010/10.jpg"]
    with pytest.raises(UsageError, match=r"s-012\.tar: no such file"):
        scan([f"{tree}/s-{{011..012}}.tar"])
    (tree / "{1..2}.png").touch()
    assert names([tree / "{1..2}.png"]) == ["{1..2}.png"]


def test_a_file_is_known_by_how_many_come_before_it(tree: Path) -> None:
    write_tar(tree / "more.tar", "1.jpg")
    found = scan([tree])
    files = [source for source in found if source.part is None]
    assert [found.ordinal(str(source.path)) for source in files] == [0, 1, 2, 3]
    assert found.ordinal(str(tree / "more.tar" / "1.jpg")) is found.ordinal("nothing") is None
