"""`facesynth cache`: what it prints, what it removes, how it ends."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from facesynth.cli.cache import cache
from facesynth.cli.quantities import parse_age, parse_size, spelled_size
from facesynth.core.errors import CacheError, UsageError
from facesynth.core.refs import Rejected
from facesynth.store import ArtifactStore, Entry, Recipe


def _cache(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cache, [arguments[0], "--cache", str(root), *arguments[1:]])


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    store = ArtifactStore(tmp_path)
    store.publish(Recipe("align", 1, {}, {}, ("a",)), Rejected("no face found"))
    return store.publish(
        Recipe("segment", 1, {"size": 512}, {}, ("a",)), {"labels.png": b"x" * 1500}, main="labels.png"
    )


def test_ls_sums_up_the_stages(tmp_path: Path, entry: Entry) -> None:
    lines = _cache(tmp_path, "ls").output.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["align", "1", "1", "0", "0", "B"],
        ["segment", "1", "0", "0", "1.5", "kB"],
    ]


def test_ls_of_a_stage_lists_its_entries(tmp_path: Path, entry: Entry) -> None:
    assert _cache(tmp_path, "ls", "segment").output.startswith(f"{entry.key}     1.5 kB  20")
    assert _cache(tmp_path, "ls", "align").output.rstrip().endswith("no face found")
    entry.file("labels.png").unlink()
    assert "damaged  labels.png is missing" in _cache(tmp_path, "ls", "segment").output


def test_ls_of_a_stage_that_is_none_says_which_there_are(tmp_path: Path, entry: Entry) -> None:
    ArtifactStore(tmp_path).publish(Recipe("own-stage", 1, {}, {}, ("a",)), {"x": b"y"}, main="x")
    found = _cache(tmp_path, "ls", "nope")
    assert isinstance(found.exception, UsageError) and not found.output
    assert (
        found.exception.hint
        == "use one of: align, encode, encode-regions, own-stage, probabilities, sample, segment, synthesize"
    )
    assert _cache(tmp_path, "ls", "own-stage").exit_code == 0
    empty = _cache(tmp_path, "ls", "encode")
    assert empty.exit_code == 0 and empty.output == "", "a stage that has kept nothing yet"


def test_show_gives_folder_and_manifest(tmp_path: Path, entry: Entry) -> None:
    shown = _cache(tmp_path, "show", entry.key[:10]).output
    assert shown.startswith(f"{entry.folder}\n")
    assert '"size": 512' in shown
    assert isinstance(_cache(tmp_path, "show", "xyz").exception, CacheError)


def test_verify_names_the_damaged_and_removes_them_when_told(tmp_path: Path, entry: Entry) -> None:
    assert _cache(tmp_path, "verify").output == "2 intact, 0 damaged\n"
    entry.file("labels.png").write_bytes(b"y" * 1500)
    found = _cache(tmp_path, "verify")
    assert f"{entry.folder}: labels.png differs from its sha256" in found.output
    assert isinstance(found.exception, CacheError) and found.exception.hint == "run: facesynth cache verify --remove"
    removed = _cache(tmp_path, "verify", "--remove")
    assert removed.exit_code == 0 and removed.output.endswith("1 intact, 1 damaged and removed\n")
    assert _cache(tmp_path, "verify").output == "1 intact, 0 damaged\n"


def test_gc_leaves_what_is_recent(tmp_path: Path, entry: Entry) -> None:
    told = _cache(tmp_path, "gc", "--keep-last", "0", "--max-size", "0", "--older-than", "1d").output
    assert told == "removed 0 entries (0 B), 0 leftovers of killed runs\nkept 2 entries (1.5 kB)\n"
    assert "would remove 0" in _cache(tmp_path, "gc", "--dry-run").output


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("12", 12), ("1.5k", 1500), ("50G", 5 * 10**10), ("2MB", 2 * 10**6)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5h", 5400), ("30d", 2_592_000), ("1W", 604_800)])
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "G", "-5G", "5 apples", "1e3"])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="50G"):
        parse_size(text)
    with pytest.raises(click.BadParameter, match="30d"):
        parse_age(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_999, "1 MB"), (3.2e9, "3.2 GB"), (5e13, "50 TB")],
)
def test_sizes_are_spelled_for_people(size: float, text: str) -> None:
    assert spelled_size(size) == text
