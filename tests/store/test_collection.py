"""Garbage collection: what recent runs used stays, the least recently used goes first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from facesynth.core.errors import CacheError
from facesynth.core.refs import Rejected
from facesynth.store import ArtifactStore, Collected, Recipe, collect, find, summarize, verify
from facesynth.store.entries import TAG_TEXT
from facesynth.store.run_log import run_logs

_DAY = 86400.0


def _recipe(number: int) -> Recipe:
    return Recipe("segment", 1, {}, {}, (f"{number:064d}",))


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Entries 0..4 of 100 bytes, last used 1..5 days ago, each by a run of its own."""
    for number in range(5):
        store = ArtifactStore(tmp_path)
        folder = store.publish(_recipe(number), {"a": b"x" * 100}, main="a").folder
        store.flush()
        _age(folder / "manifest.json", (number + 1) * _DAY)
        (log,) = [log for log in run_logs(tmp_path) if time.time() - log.stat().st_mtime < 3600]
        _age(log, (number + 1) * _DAY)
    return tmp_path


def _left(root: Path) -> list[int]:
    keys = [_recipe(number).key() for number in range(6)]
    return [number for number, key in enumerate(keys) if (root / "segment" / key[:2] / key).exists()]


def test_without_limits_only_what_the_last_runs_used_stays(root: Path) -> None:
    assert collect(root, keep_last=2) == Collected(removed=3, freed=300, kept=2, kept_size=200, leftovers=0, logs=3)
    assert _left(root) == [0, 1]
    assert len(run_logs(root)) == 2
    assert list((root / ".tmp").iterdir()) == []


def test_a_dry_run_says_the_same_and_does_nothing(root: Path) -> None:
    foreseen = collect(root, keep_last=2, dry_run=True)
    assert _left(root) == [0, 1, 2, 3, 4] and len(run_logs(root)) == 5
    assert collect(root, keep_last=2) == foreseen


def test_older_than_spares_what_is_younger(root: Path) -> None:
    collect(root, keep_last=0, older_than=3.5 * _DAY)
    assert _left(root) == [0, 1, 2]


def test_max_size_removes_the_least_recently_used_first(root: Path) -> None:
    report = collect(root, keep_last=0, max_size=250)
    assert _left(root) == [0, 1]
    assert report.kept_size == 200


def test_max_size_does_not_touch_what_the_last_runs_used(root: Path) -> None:
    assert collect(root, keep_last=3, max_size=0).kept_size == 300
    assert _left(root) == [0, 1, 2]


def test_a_hit_counts_as_use(root: Path) -> None:
    ArtifactStore(root).lookup("segment", _recipe(4).key())
    collect(root, keep_last=0)
    assert _left(root) == [4]


def test_what_is_younger_than_an_hour_stays(root: Path) -> None:
    store = ArtifactStore(root)
    folder = store.publish(_recipe(5), {"a": b""}, main="a").folder
    _age(folder / "manifest.json", 3500)
    assert _left(root)[-1] == 5
    collect(root, keep_last=0)
    assert _left(root) == [5]
    _age(folder / "manifest.json", 3700)
    collect(root, keep_last=0)
    assert _left(root) == []


def test_a_log_that_is_still_written_keeps_its_entries(root: Path) -> None:
    """A long run that used an entry hours ago may come back to it."""
    store = ArtifactStore(root)
    folder = store.publish(_recipe(5), {"a": b""}, main="a").folder
    store.flush()
    _age(folder / "manifest.json", 5 * 3600)
    collect(root, keep_last=0)
    assert _left(root) == [5]


def test_damaged_entries_go_whatever_the_limits(root: Path) -> None:
    for number in (0, 1):
        entry = find(root, _recipe(number).key())
        (entry.folder / "a").unlink()
        _age(entry.folder, 2 * 3600 if number == 0 else 0)
    assert collect(root, keep_last=5, max_size=10**9).removed == 1
    assert _left(root) == [1, 2, 3, 4]


def test_half_written_entries_go_after_a_day(root: Path) -> None:
    for name, age in [("fresh", 3600.0), ("stale", 1.1 * _DAY)]:
        (root / ".tmp" / name).mkdir()
        (root / ".tmp" / name / "face.png").write_bytes(b"half")
        _age(root / ".tmp" / name, age)
    assert collect(root, keep_last=9).leftovers == 1
    assert [path.name for path in (root / ".tmp").iterdir()] == ["fresh"]


def test_a_cache_that_is_not_there_needs_no_collection(tmp_path: Path) -> None:
    assert collect(tmp_path / "none") == Collected(0, 0, 0, 0, 0, 0)
    assert not (tmp_path / "none").exists()
    assert summarize(tmp_path / "none") == []


def test_a_folder_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    """It once took `lowercase/x/y` for a damaged entry, and somebody's sources with it."""
    source = tmp_path / "projects" / "alpha" / "src" / "a.txt"
    source.parent.mkdir(parents=True)
    source.write_text("hi")
    for path in (source, *source.parents[:3]):
        os.utime(path, (0, 0))
    tag = tmp_path / "CACHEDIR.TAG"
    for text in (
        None,
        "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag of cargo's.\n",
    ):
        if text is not None:
            tag.write_text(text)
        for act in (
            lambda: collect(tmp_path),
            lambda: list(verify(tmp_path, remove=True)),
            lambda: summarize(tmp_path),
        ):
            with pytest.raises(CacheError, match="no cache of facesynth's"):
                act()
    with pytest.raises(CacheError, match=r"its CACHEDIR\.TAG is another program's; choose another folder"):
        ArtifactStore(tmp_path).publish(Recipe("segment", 1, {}, {}), Rejected("no face"))
    assert "cargo" in tag.read_text() and sorted(path.name for path in tmp_path.iterdir()) == [tag.name, "projects"]
    tag.write_text("")  # what a power cut leaves
    ArtifactStore(tmp_path).publish(Recipe("segment", 1, {}, {}), Rejected("no face"))  # --cache, on a folder in use
    collect(tmp_path)
    list(verify(tmp_path, remove=True))
    assert source.read_text() == "hi" and tag.read_text() == TAG_TEXT
    assert [use.entries for use in summarize(tmp_path)] == [0, 1]
