"""Output names, the refusal to touch inputs, and copies that are whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesynth.core.errors import CacheError, OutputError, UsageError
from facesynth.core.processes import born
from facesynth.core.refs import FileStamp, sha256_bytes
from facesynth.core.scan import SourceFile, scan
from facesynth.outputs import OutputTree, is_sheet, mirrored_names
from facesynth.outputs.partial import partial_folder, processes_at_work


def _source(path: str, root: str = "photos") -> SourceFile:
    return SourceFile(Path(root) / path, PurePosixPath(path))


def _names(*sources: SourceFile, **options: str) -> list[str]:
    names = mirrored_names(sources, **options)
    return [str(names[source.path]) for source in sources]


def test_names_mirror_the_tree() -> None:
    assert _names(_source("a.jpg"), _source("sub/b.c.png")) == ["a", "sub/b.c"]


def test_one_stem_with_two_suffixes_is_told_apart_by_the_suffix() -> None:
    assert _names(_source("a.jpg"), _source("a.png"), _source("b/a.png")) == ["a_jpg", "a_png", "b/a"]


def test_a_photo_called_like_another_ones_face_is_told_apart() -> None:
    assert _names(_source("a.jpg"), _source("a_00.jpg"), _source("b_00.jpg")) == ["a_jpg", "a_00_jpg", "b_00"]
    assert _names(_source("a.png"), _source("a_seed1.png"), tail=r"seed\d+") == ["a_png", "a_seed1_png"]


def test_names_that_some_disk_takes_for_one_are_told_apart() -> None:
    names = _names(_source("a.jpg"), _source("A.JPG"), _source("\u00e9.png"), _source("e\u0301.png"))
    assert len({name.casefold() for name in names}) == 4
    assert names[0].startswith("a_jpg_") and names[1].startswith("A_JPG_")


def test_roots_with_the_same_name_in_them_are_told_apart_by_their_own_names() -> None:
    sources = _source("x.jpg", "one/a"), _source("x.jpg", "two/b"), _source("y.jpg", "two/b"), _source("z.jpg", "c")
    assert _names(*sources) == ["a/x", "b/x", "b/y", "z"]
    assert _names(_source("x.jpg", "one/a"), _source("x.png", "two/a")) == ["one/a/x", "two/a/x"]


def test_no_result_takes_the_contact_sheets_name() -> None:
    assert _names(_source("sheet.jpg"), _source("sheet_00.jpg"), _source("sub/sheet.jpg"))[2] == "sub/sheet"
    assert not any(name.startswith("sheet.") for name in _names(_source("sheet.jpg")))
    assert _names(_source("sheet.jpg")) == ["sheet_jpg"]


PIECES = st.sampled_from(["a", "A", "b", "a_00", "a_jpg", "a_00_01", "sheet", "ä", "a b"])
FILES = st.builds(
    lambda root, folder, stem, suffix: _source(f"{folder}{stem}.{suffix}", root),
    st.sampled_from(["r", "s", "r/deep", "t/r"]),
    st.sampled_from(["", "sub/", "r/"]),
    PIECES,
    st.sampled_from(["jpg", "png", "JPG"]),
)


@settings(max_examples=200)
@given(
    st.lists(FILES, min_size=1, max_size=12, unique_by=lambda source: source.path), st.randoms(use_true_random=False)
)
def test_names_are_distinct_and_do_not_depend_on_order(sources: list[SourceFile], shuffler: random.Random) -> None:
    names = mirrored_names(sources)
    shuffled = sources[:]
    shuffler.shuffle(shuffled)
    assert mirrored_names(shuffled) == names
    folded = {str(name).casefold() for name in names.values()}
    assert len(folded) == len(sources)
    numbered = {f"{name}_{index:02}".casefold() for name in names.values() for index in range(3)}
    assert not numbered & folded


def _tree(folder: Path, *inputs: Path) -> OutputTree:
    files = [path for given in inputs for path in ([given] if given.is_file() else given.rglob("*")) if path.is_file()]
    return OutputTree(folder, inputs, [SourceFile(path, PurePosixPath(path.name)) for path in files])


def _artifact(folder: Path, data: bytes = b"picture") -> tuple[Path, FileStamp]:
    folder.mkdir(exist_ok=True)
    path = folder / "artifact.png"
    path.write_bytes(data)
    os.utime(path, (1_000_000, 1_000_000))
    return path, FileStamp(len(data), sha256_bytes(data))


@pytest.mark.parametrize("inside", [".", "out", "deep/out"])
def test_an_output_folder_inside_an_input_folder_is_refused(tmp_path: Path, inside: str) -> None:
    with pytest.raises(UsageError, match="inside the input folder"):
        _tree(tmp_path / inside, tmp_path)
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo and one in a folder, below the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.png", "photos/c.webp", "photos/sub/b.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")
    return Path("photos")


def _of_pattern(folder: str, *inputs: str) -> OutputTree:
    return OutputTree(Path(folder), inputs, scan(inputs))


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("root", ["", "./", "/"])
@pytest.mark.parametrize(
    ("pattern", "out"),
    [
        ("photos/*", "photos/out"),
        ("photos/*", "photos/out/deep"),
        ("photos/*", "photos"),
        ("photos/**/*.png", "photos/out"),
        ("photos/**/*.png", "photos"),
        ("p*/*", "photos/out"),
        ("photos/*/*.png", "photos/out"),
        ("photos/**/*.webp", "photos/out"),
        ("photos/o*/images/*.png", "photos/out"),
    ],
)
def test_an_output_folder_that_a_pattern_reaches_is_refused(
    photos: Path, pattern: str, out: str, root: str, second: bool
) -> None:
    if second or "images" in pattern:
        (photos / "out" / "images").mkdir(parents=True)
        (photos / "out" / "images" / "a.png").write_bytes(b"result")
    given = str(Path.cwd() / pattern) if root == "/" else root + pattern
    with pytest.raises(UsageError, match=r"where the pattern .* finds inputs"):
        _of_pattern(out, given)


def test_an_output_folder_that_a_pattern_found_files_in_by_a_link_is_refused(photos: Path) -> None:
    Path("out").mkdir()
    Path("out", "a.png").write_bytes(b"result")
    (photos / "linked").symlink_to(Path("out").absolute(), target_is_directory=True)
    with pytest.raises(UsageError, match="where the pattern"):
        _of_pattern("out", "photos/*")


@pytest.mark.parametrize(
    ("inputs", "out"),
    [
        (["photos/*"], "out"),
        (["photos/*.png"], "photos/out"),
        (["photos/*.png"], "."),
        (["photos/*", "photos/**/*.png"], "photos.out"),
        (["photos/s*/*.png"], "photos/out"),
        (["photos/*", "photos/sub/b.png"], "elsewhere"),
        (["photos/a*", "photos/sub/b.png"], "photos/sub"),
    ],
)
def test_an_output_folder_that_no_pattern_reaches_is_fine(photos: Path, inputs: list[str], out: str) -> None:
    _of_pattern(out, *inputs)
    (photos / "[x]").mkdir()
    (photos / "[x]" / "c.png").write_bytes(b"x")
    _of_pattern("photos/out", "photos/[x]")  # a folder, whatever it is called


def test_an_output_folder_around_the_input_folder_is_fine(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    artifact, stamp = _artifact(tmp_path / "cache")
    with _tree(tmp_path, tmp_path / "images") as tree:
        assert tree.copy(artifact, stamp, PurePosixPath("labels/a.png")).read_bytes() == b"picture"


def test_an_output_folder_reached_by_a_link_is_refused_too(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "elsewhere").symlink_to(photos, target_is_directory=True)
    with pytest.raises(UsageError):
        _tree(tmp_path / "elsewhere" / "out", photos)


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="not a folder"):
        _tree(tmp_path / "out")


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(b"mine")
    (tmp_path / "other.png").hardlink_to(photo)
    artifact, stamp = _artifact(tmp_path / "cache")
    with _tree(tmp_path, photo) as tree:
        for name in ("a.png", "other.png"):
            with pytest.raises(OutputError, match="never overwritten"):
                tree.copy(artifact, stamp, PurePosixPath(name))
            with pytest.raises(OutputError, match="never overwritten"):
                tree.write(b"other", PurePosixPath(name))
    assert photo.read_bytes() == b"mine"


def test_what_is_in_place_stays_and_what_was_changed_is_replaced(tmp_path: Path) -> None:
    artifact, stamp = _artifact(tmp_path / "cache")
    out = tmp_path / "out"
    place = PurePosixPath("sub/a.png")
    with _tree(out) as tree:
        target = tree.copy(artifact, stamp, place)
        first = target.stat().st_ino
        assert tree.copy(artifact, stamp, place).stat().st_ino == first
        os.utime(target)  # touched, same bytes
        assert tree.copy(artifact, stamp, place).stat().st_ino == first
        target.write_bytes(b"PICTURE")  # same size, other bytes
        assert tree.copy(artifact, stamp, place).read_bytes() == b"picture"
    assert [path.name for path in out.rglob("*")] == ["sub", "a.png"]


def test_bytes_are_written_once(tmp_path: Path) -> None:
    with _tree(tmp_path / "out") as tree:
        target = tree.write(b"one", PurePosixPath("a.bin"))
        first = target.stat().st_ino
        assert tree.write(b"one", PurePosixPath("a.bin")).stat().st_ino == first
        assert tree.write(b"two", PurePosixPath("a.bin")).read_bytes() == b"two"


def test_a_name_that_cannot_be_is_the_items_fault_and_a_disk_that_cannot_is_the_runs(tmp_path: Path) -> None:
    artifact, stamp = _artifact(tmp_path / "cache")
    (tmp_path / "out" / "folder.png").mkdir(parents=True)
    (tmp_path / "out" / "file").touch()
    with _tree(tmp_path / "out") as tree:
        for name in ("x" * 300 + ".png", "folder.png", "file/a.png", "../a.png"):
            with pytest.raises(OutputError):
                tree.copy(artifact, stamp, PurePosixPath(name))
    (tmp_path / "blocked").touch()
    with pytest.raises(OSError), _tree(tmp_path / "blocked" / "out") as tree:
        tree.copy(artifact, stamp, PurePosixPath("a.png"))


def test_leftovers_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path, PurePosixPath\nfrom facesynth.outputs import OutputTree\n"
        "with OutputTree(Path(sys.argv[1]), [], []) as tree:\n"
        "    tree.write(b'x', PurePosixPath('a'))\n"
        "    os._exit(0)"  # without leaving the context, as a kill would
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=True, timeout=60)
    assert any(path.name.startswith(".partial-") for path in (tmp_path / "out").iterdir())
    with _tree(tmp_path / "out") as tree:
        tree.write(b"y", PurePosixPath("b"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]


def test_two_trees_in_one_folder_write_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two sessions of a process do, and two containers of the same name, in which every process has the same id."""
    artifact, stamp = _artifact(tmp_path / "cache", b"AAAA")
    first, second = _tree(tmp_path / "out"), _tree(tmp_path / "out")
    first.write(b"1", PurePosixPath("one"))
    real = os.utime

    def utime(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        second.write(b"BBBB", PurePosixPath("other"))  # when the first one's file is checked but not yet in place

    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", utime)
        assert first.copy(artifact, stamp, PurePosixPath("a")).read_bytes() == b"AAAA"
    with second:
        second.write(b"2", PurePosixPath("two"))
    with first:
        first.write(b"3", PurePosixPath("three"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "one", "other", "three", "two"]


def _cleared(folder: Path, minutes: int) -> bool:
    """Whether a run removes this left folder, to which so many minutes ago something was added."""
    folder.mkdir(parents=True)
    os.utime(folder, (time.time() - 60 * minutes,) * 2)
    with _tree(folder.parent) as tree:
        tree.write(b"x", PurePosixPath("a"))
        tree.write(b"y", PurePosixPath("a"))
    return not folder.exists()


def test_a_folder_that_may_be_a_living_runs_is_left_for_an_hour(tmp_path: Path) -> None:
    elsewhere = ".partial-0a1b2c3d-1-0a1b2c3d"
    assert not _cleared(tmp_path / "one" / elsewhere, 0)
    assert not _cleared(tmp_path / "two" / elsewhere, 45)
    assert _cleared(tmp_path / "three" / elsewhere, 75)
    assert _cleared(tmp_path / "four" / ".partial-0a1b2c3d-1-123-0a1b2c3d", 75)


@pytest.mark.skipif(os.name != "posix", reason="needs a system that tells whether a process lives")
def test_a_folder_of_a_living_run_of_this_machine_is_left_however_old(tmp_path: Path) -> None:
    mine = partial_folder(tmp_path / "one")
    assert not _cleared(mine, 6000) and processes_at_work(tmp_path / "one") == (os.getpid(),)


@pytest.mark.skipif(born(os.getpid()) is None, reason="needs a system that tells when a process was born")
def test_a_folder_of_a_dead_run_goes_at_once_though_another_process_has_its_number(tmp_path: Path) -> None:
    mine = partial_folder(tmp_path / "one")
    name = mine.name.replace(f"-{born(os.getpid())}-", "-1-")
    assert name != mine.name and _cleared(tmp_path / "one" / name, 0)
    (tmp_path / "two" / name).mkdir(parents=True)
    assert processes_at_work(tmp_path / "two") == ()


def test_what_only_starts_like_such_a_folder_is_somebody_elses(tmp_path: Path) -> None:
    for name in (".partial-thesis", ".partial-0a1b2c3d-1-0a1b2c3d-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chapter").touch()
        os.utime(tmp_path / name, (time.time() - 7200, time.time() - 7200))
    with _tree(tmp_path) as tree:
        tree.write(b"x", PurePosixPath("a"))
    assert len([*tmp_path.rglob("chapter")]) == 2


def test_a_run_whose_partial_folder_was_removed_goes_on(tmp_path: Path) -> None:
    artifact, stamp = _artifact(tmp_path / "cache")
    with _tree(tmp_path / "out") as tree:
        tree.write(b"x", PurePosixPath("a"))
        (partial,) = (tmp_path / "out").glob(".partial-*")
        partial.rmdir()
        assert tree.write(b"y", PurePosixPath("b")).read_bytes() == b"y"
        partial.rmdir()
        assert tree.copy(artifact, stamp, PurePosixPath("c")).read_bytes() == b"picture"


def test_a_sheet_is_known_by_what_it_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "sheet.png").write_bytes(b"somebody's own file")
    assert not is_sheet(_source("sheet.png", str(tmp_path)))


def test_a_damaged_artifact_is_not_copied_out(tmp_path: Path) -> None:
    """Its size is right and its bytes are not: a flipped bit on the disk."""
    artifact = tmp_path / "labels.png"
    artifact.write_bytes(b"damaged")
    tree = OutputTree(tmp_path / "out", [], [])
    with pytest.raises(CacheError, match="differs from its sha256"):
        tree.copy(artifact, FileStamp(7, sha256_bytes(b"healthy")), PurePosixPath("labels.png"))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "png" in path.name]
