"""Looking at a cache: sums, one entry by its prefix, and every byte checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facesynth.core.errors import CacheError
from facesynth.core.refs import Rejected
from facesynth.store import ArtifactStore, Damage, Entry, Recipe, StageUse, find, summarize, verify


def _recipe(stage: str, number: int) -> Recipe:
    return Recipe(stage, 1, {"size": 512}, {}, (f"{number:064d}",))


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    store = ArtifactStore(tmp_path / "cache")
    for number in range(3):
        store.publish(_recipe("segment", number), {"labels.png": b"abc"}, main="labels.png")
    store.publish(_recipe("align", 0), Rejected("no face found"))
    return store


def _damages(root: Path, *, remove: bool = False) -> list[Damage]:
    return [found for found in verify(root, remove=remove) if isinstance(found, Damage)]


def test_sums_by_stage(store: ArtifactStore) -> None:
    store.flush()  # the logs' folder is no stage
    (store.publish(_recipe("segment", 3), {"a": b""}, main="a").folder / "a").unlink()
    assert summarize(store.root) == [StageUse("align", 1, 1, 0, 0), StageUse("segment", 4, 0, 1, 9)]


def test_a_cache_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert summarize(tmp_path / "none") == []
    assert list(verify(tmp_path / "none")) == []
    with pytest.raises(CacheError, match="no entry"):
        find(tmp_path / "none", "ab")


def test_an_entry_is_found_by_the_start_of_its_key(store: ArtifactStore) -> None:
    key = _recipe("segment", 1).key()
    assert find(store.root, key[:12].upper()).key == key
    with pytest.raises(CacheError, match="4 entries' keys start with ''"):
        find(store.root, "")


def test_intact_entries_pass(store: ArtifactStore) -> None:
    found = list(verify(store.root))
    assert len(found) == 4 and all(isinstance(entry, Entry) for entry in found)


def test_bytes_that_changed_at_the_same_size_are_found(store: ArtifactStore) -> None:
    entry = find(store.root, _recipe("segment", 1).key())
    entry.file("labels.png").write_bytes(b"abX")
    assert store.lookup("segment", entry.key) is not None  # which is why verify exists
    assert _damages(store.root) == [Damage(entry.folder, "labels.png differs from its sha256")]


def test_a_recipe_that_is_not_the_keys_is_found(store: ArtifactStore) -> None:
    entry = find(store.root, _recipe("segment", 1).key())
    manifest = json.loads((entry.folder / "manifest.json").read_text())
    manifest["recipe"]["config"]["size"] = 256
    (entry.folder / "manifest.json").write_text(json.dumps(manifest))
    assert _damages(store.root) == [Damage(entry.folder, "the recipe differs from the key")]


def test_remove_takes_the_damaged_ones_away(store: ArtifactStore) -> None:
    for number, name in enumerate(["labels.png", "manifest.json"]):
        (find(store.root, _recipe("segment", number).key()).folder / name).unlink()
    reasons = {damage.reason for damage in _damages(store.root, remove=True)}
    assert reasons == {"labels.png is missing", "the manifest is missing"}
    assert _damages(store.root) == []
    assert [use.entries for use in summarize(store.root)] == [1, 1]
