"""The health of a cache, by a sample of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesynth.doctor.cache import check_cache
from facesynth.store import ArtifactStore, Recipe, sampling


def filled(root: Path, count: int) -> ArtifactStore:
    store = ArtifactStore(root)
    for number in range(count):
        recipe = Recipe(stage="toys", version=1, config={"number": number}, weights={}, inputs=())
        store.publish(recipe, {"toy.txt": b"toy" * 100}, main="toy.txt")
    return store


def files(root: Path) -> list[Path]:
    return sorted(root.glob("toys/*/*/toy.txt"))


def test_none_and_an_empty_one_are_fine(tmp_path: Path) -> None:
    for root in (tmp_path / "none", tmp_path):
        (check,) = check_cache(root)
        assert (check.state, check.found) == ("ok", "empty")


def test_a_small_one_is_counted_and_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SHARDS", 256)
    filled(tmp_path, 5)
    (check,) = check_cache(tmp_path)
    assert (check.state, check.found) == ("ok", "5 entries, 0 MiB; 5 of them read again")


def test_of_a_large_one_a_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, 60)
    monkeypatch.setattr(sampling, "SHARDS", 24)
    found = sampling.examine(tmp_path, checks=7)
    assert not found.exact and found.checked == 7
    assert 40 <= found.entries <= 80
    assert found.size == pytest.approx(found.entries * 300, rel=0.02)


@pytest.mark.parametrize("data", [b"TOY" * 100, b"toy"], ids=["other bytes", "cut"])
def test_damage_is_a_warning_that_names_an_entry(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SHARDS", 256)
    filled(tmp_path, 3)
    files(tmp_path)[0].write_bytes(data)
    (check,) = check_cache(tmp_path)
    assert (check.state, "1 damaged" in check.found) == ("warning", True)
    assert str(files(tmp_path)[0].parent) in check.found and "cache verify --remove" in str(check.advice)


def test_what_was_left_for_a_day_is_told(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    for name, age in (("old", 2 * 86400), ("new", 60)):
        folder = tmp_path / ".tmp" / name
        folder.mkdir(parents=True)
        (folder / "face.png").write_bytes(bytes(1 << 20))
        when = folder.stat().st_mtime - age
        os.utime(folder, (when, when))
    _, left = check_cache(tmp_path)
    assert left.state == "warning" and left.found.startswith("1 half-written entries")
    assert "1 MiB" in left.found and left.advice == "run: facesynth cache gc"


def test_what_is_no_cache_or_may_not_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "holiday.jpg").touch()
    (check,) = check_cache(tmp_path)
    assert (check.state, "no cache of facesynth's" in check.found) == ("problem", True)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    (check,) = check_cache(tmp_path)
    assert (check.state, check.found) == ("problem", f"{tmp_path} cannot be read (Permission denied)")
