"""The store: what was published is found, what is damaged is not, and is replaced."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facesynth.core.errors import CacheError
from facesynth.core.refs import FileStamp, Rejected, sha256_bytes
from facesynth.store import ArtifactStore, Entry, Recipe, written_to

_FILES: dict[str, bytes | Path] = {"labels.png": b"pixels", "notes.json": b"{}"}


def _recipe(text: str = "input") -> Recipe:
    return Recipe("segment", 1, {"size": 512}, {"parser": "0" * 64}, (sha256_bytes(text.encode()),))


def _lookup(store: ArtifactStore, recipe: Recipe) -> Entry | None:
    return store.lookup(recipe.stage, recipe.key())


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


def test_what_was_published_is_found(store: ArtifactStore) -> None:
    assert _lookup(store, _recipe()) is None
    made = store.publish(_recipe(), _FILES, main="labels.png")
    found = _lookup(store, _recipe())
    assert found is not None and found == made
    assert found.folder == store.root / "segment" / found.key[:2] / found.key
    assert found.file("labels.png").read_bytes() == b"pixels"
    assert found.files == {
        "labels.png": FileStamp(6, sha256_bytes(b"pixels")),
        "notes.json": FileStamp(2, sha256_bytes(b"{}")),
    }
    assert found.main_digest == sha256_bytes(b"pixels")
    assert found.size == 8
    assert found.rejected is None
    assert _lookup(store, _recipe("another")) is None


def test_the_manifest_says_what_it_was_made_of(store: ArtifactStore) -> None:
    manifest = store.publish(_recipe(), _FILES, main="labels.png").manifest()
    assert manifest["recipe"] == _recipe().as_json()
    assert manifest["made"]["at"].startswith("20")


def test_an_entry_compares_the_bytes_of_its_files(store: ArtifactStore) -> None:
    entry = store.publish(_recipe(), _FILES, main="labels.png")
    entry.check()
    entry.file("notes.json").write_bytes(b"[]")
    entry.check(["labels.png"])
    with pytest.raises(CacheError, match=r"the cached notes\.json differs from its sha256"):
        entry.check()
    entry.file("labels.png").unlink()
    with pytest.raises(CacheError, match=r"the cached labels\.png cannot be read \(No such file"):
        entry.check(["labels.png"])
    with pytest.raises(CacheError, match=r"no 'face\.png' in this entry"):
        entry.check(["face.png"])


def test_a_rejection_is_an_answer(store: ArtifactStore) -> None:
    store.publish(_recipe(), Rejected("no face found"))
    found = _lookup(store, _recipe())
    assert found is not None and found.rejected == "no face found" and found.files == {}
    with pytest.raises(CacheError, match="no main file"):
        _ = found.main_digest


def test_a_file_can_be_published_by_copying(store: ArtifactStore, tmp_path: Path) -> None:
    big = tmp_path / "weights.safetensors"
    big.write_bytes(b"tensors")
    entry = store.publish(_recipe(), {"weights.safetensors": big}, main="weights.safetensors")
    assert entry.file("weights.safetensors").read_bytes() == big.read_bytes()
    assert entry.main_digest == sha256_bytes(b"tensors")


def test_the_first_to_publish_wins(store: ArtifactStore) -> None:
    store.publish(_recipe(), {"a": b"first"}, main="a")
    assert store.publish(_recipe(), {"a": b"second"}, main="a").file("a").read_bytes() == b"first"
    assert list((store.root / ".tmp").iterdir()) == []


def test_replace_takes_the_place_of_what_differs_only(store: ArtifactStore) -> None:
    first = store.publish(_recipe(), {"a": b"first"}, main="a")
    before = os.stat(first.folder).st_ino
    store.publish(_recipe(), {"a": b"first"}, main="a", replace=True)
    assert os.stat(first.folder).st_ino == before
    assert store.publish(_recipe(), {"a": b"other"}, main="a", replace=True).file("a").read_bytes() == b"other"
    assert list((store.root / ".tmp").iterdir()) == []


def _shorten(folder: Path) -> None:
    (folder / "labels.png").write_bytes(b"pix")


def _remove_file(folder: Path) -> None:
    (folder / "notes.json").unlink()


def _remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _cut_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-20])


def _zero_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(bytes(path.stat().st_size))


def _strange_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('["not", "an", "object"]')


def _empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def _wrong_files(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": ["labels.png"]}))


def _no_result(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "main": None}))


def _other_entry(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "key": "f" * 64}))


def _not_a_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("a file")


@pytest.mark.parametrize(
    "damage",
    [
        _shorten,
        _remove_file,
        _remove_manifest,
        _cut_manifest,
        _zero_manifest,
        _strange_manifest,
        _empty_manifest,
        _wrong_files,
        _no_result,
        _other_entry,
        _not_a_folder,
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_replaced(store: ArtifactStore, damage: Callable[[Path], None]) -> None:
    entry = store.publish(_recipe(), _FILES, main="labels.png")
    damage(entry.folder)
    assert _lookup(store, _recipe()) is None
    assert store.publish(_recipe(), _FILES, main="labels.png").file("labels.png").read_bytes() == b"pixels"
    found = _lookup(store, _recipe())
    assert found is not None and found.files == entry.files


@pytest.mark.parametrize("name", ["", "../escape", "a/b", "manifest.json", ".hidden", "c:\\x", "nul\0"])
def test_names_that_would_leave_the_folder_are_refused(store: ArtifactStore, name: str) -> None:
    with pytest.raises(CacheError, match="no name for a file"):
        store.publish(_recipe(), {name: b""}, main=name)


@pytest.mark.parametrize("stage", ["", "runs", ".tmp", "Align", "a/b", "..", "é"])
def test_stage_names_that_are_no_folders_of_entries_are_refused(store: ArtifactStore, stage: str) -> None:
    with pytest.raises(CacheError, match="no name for a stage"):
        store.publish(Recipe(stage, 1, {}, {}), {"a": b""}, main="a")


@pytest.mark.parametrize("main", [None, "b"])
def test_the_main_file_must_be_there(store: ArtifactStore, main: str | None) -> None:
    with pytest.raises(CacheError, match="main file"):
        store.publish(_recipe(), {"a": b""}, main=main)
    with pytest.raises(CacheError, match="main file"):
        store.publish(_recipe(), Rejected("no"), main="a")


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ArtifactStore(tmp_path / "file" / "cache")
    assert _lookup(store, _recipe()) is None
    with pytest.raises(CacheError, match=r"file/cache: cannot be written .*--cache DIR"):
        store.publish(_recipe(), _FILES, main="labels.png")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, or choose another folder with --cache DIR"),
        (errno.EROFS, "choose another folder with --cache DIR"),
        (errno.EACCES, "choose another folder with --cache DIR"),
    ],
)
def test_only_a_full_disk_is_to_be_freed(number: int, advice: str, tmp_path: Path) -> None:
    with pytest.raises(CacheError) as caught, written_to(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.hint == advice


def test_a_failed_publication_leaves_nothing_behind(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(CacheError):
        store.publish(_recipe(), {"a": b"written", "b": tmp_path / "missing"}, main="a")
    assert _lookup(store, _recipe()) is None
    assert list((store.root / ".tmp").iterdir()) == []


def test_a_hit_renews_an_old_time_of_use_and_no_recent_one(store: ArtifactStore) -> None:
    manifest = store.publish(_recipe(), _FILES, main="labels.png").folder / "manifest.json"
    for age, renewed in [(60, False), (3000, True)]:
        then = time.time() - age
        os.utime(manifest, (then, then))
        _lookup(store, _recipe())
        assert (manifest.stat().st_mtime > then + 1) is renewed


def test_many_threads_publish_and_replace_the_same_entries(store: ArtifactStore) -> None:
    """Every reader sees an intact entry from the first publication on, whoever wins."""
    recipes = [_recipe(str(index)) for index in range(5)]

    def work(number: int) -> int:
        for step in range(20):
            recipe = recipes[(number + step) % len(recipes)]
            data = recipe.key().encode() * 10
            assert store.publish(recipe, {"a": data, "b": data}, main="a").file("a").read_bytes() == data
            found = _lookup(store, recipe)
            assert found is not None and found.file("b").read_bytes() == data
        return number

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(work, range(6))) == list(range(6))
    assert list((store.root / ".tmp").iterdir()) == []


def test_the_caches_workplace_does_not_answer_for_its_callers_errors(store: ArtifactStore) -> None:
    def work() -> None:
        with store.workplace() as place:
            assert list(place.iterdir()) == []
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        work()
    assert list((store.root / ".tmp").iterdir()) == []
    with pytest.raises(CacheError, match=r"cannot be written \(No space.*--cache DIR"), written_to(store.root):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_replace_makes_anew_what_cannot_be_read(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = store.publish(_recipe(), {"a": b"first"}, main="a")
    inode = os.stat(first.folder).st_ino

    def refuse(path: Path) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("facesynth.store.entries.sha256_file", refuse)
    store.publish(_recipe(), {"a": b"first"}, main="a", replace=True)
    assert os.stat(first.folder).st_ino != inode
