"""The packed form of training pairs."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import CacheError, InputError, LabelMapError
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import read_label_map, write_label_map
from facesynth.core.labels import LabelMap
from facesynth.datasets.packed import STAGE, packed
from facesynth.datasets.pairs import Pair, find_pairs
from facesynth.store import ArtifactStore, Entry, collect, list_entries, pinned
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs


def test_pairs_are_packed_at_a_size(tmp_path: Path) -> None:
    pairs = find_pairs(write_pairs(tmp_path / "data", 3))
    assert [pair.name for pair in pairs] == ["000", "001", "002"]
    with packed(pairs, 32, ArtifactStore(tmp_path / "cache")) as found:
        assert len(found) == 3
        assert np.array_equal(found.images[1], read_photo(pairs[1].image).resized(32, 32).pixels)
        assert np.array_equal(found.labels[1], read_label_map(pairs[1].labels).resized(32, 32).ids)


def test_packing_is_done_once_until_a_file_changes(tmp_path: Path) -> None:
    folder, store = write_pairs(tmp_path / "data", 2), ArtifactStore(tmp_path / "cache")
    told: list[tuple[int, int]] = []
    for _ in range(2):
        with packed(find_pairs(folder), 32, store, on_packed=lambda done, total: told.append((done, total))):
            pass
    assert told == [(2, 2)]
    write_photo(drawn_face(drawn_labels(7), 7), folder / "images" / "000.png")
    with packed(find_pairs(folder), 32, store) as changed:
        assert np.array_equal(changed.images[0], drawn_face(drawn_labels(7), 7).resized(32, 32).pixels)


def test_files_of_one_name_size_and_time_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "cache")
    for version in range(2):
        folder = write_pairs(tmp_path / str(version), 1)
        (folder / "images" / "000.png").unlink()
        face = drawn_face(drawn_labels(0), version)
        Image.fromarray(face.pixels).save(folder / "images" / "000.bmp")
        for path in folder.rglob("*.*"):
            os.utime(path, (0, 0))
        with packed(find_pairs(folder), 64, store) as found:
            assert np.array_equal(found.images[0], face.pixels)
    first, second = (tmp_path / str(version) / "images" / "000.bmp" for version in range(2))
    assert first.stat().st_size == second.stat().st_size and first.read_bytes() != second.read_bytes()
    assert len(list(list_entries(store.root, STAGE))) == 2


@dataclass(frozen=True, slots=True)
class _Made(Pair):
    """A pair without files; before the one numbered `slow` can be read, the one numbered `before` must have been."""

    slow: int = -1
    before: int = -1
    reached: threading.Event = field(default_factory=threading.Event)

    def read(self) -> tuple[Photo, LabelMap]:
        number = int(self.name)
        if number == self.before:
            self.reached.set()
        assert number != self.slow or self.reached.wait(20)
        return Photo(np.full((8, 8, 3), number % 251, np.uint8)), LabelMap(np.zeros((8, 8), np.uint8))


def test_packing_goes_on_while_its_slowest_pair_is_read(tmp_path: Path) -> None:
    reached = threading.Event()
    pairs = [
        _Made(f"{number:03}", Path("a"), Path("b"), None, "1" * 64, "2" * 64, slow, slow + 3, reached)
        for number in range(300)
        for slow in [255]
    ]
    with packed(pairs, 8, ArtifactStore(tmp_path / "cache"), workers=2) as found:
        assert found.images[:, 0, 0, 0].tolist() == [number % 251 for number in range(300)]


def test_nothing_maps_the_arrays_when_they_are_put_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows moves no file that someone has open."""
    mapped: list[weakref.ref[np.memmap]] = []
    opened, replaced = np.lib.format.open_memmap, os.replace
    alive_at_moves: list[bool] = []

    def open_watched(*arguments: Any, **options: Any) -> np.memmap:
        array = opened(*arguments, **options)
        mapped.append(weakref.ref(array))
        return array

    def replace_watched(source: Path, target: Path) -> None:
        alive_at_moves.append(any(reference() is not None for reference in mapped))
        replaced(source, target)

    monkeypatch.setattr(np.lib.format, "open_memmap", open_watched)
    monkeypatch.setattr(os, "replace", replace_watched)
    with packed(find_pairs(write_pairs(tmp_path / "data", 3)), 16, ArtifactStore(tmp_path / "cache")):
        pass
    assert len(mapped) == 4 and alive_at_moves[-2:] == [False, False]  # two written, two lent


def test_many_pairs_stay_in_order(tmp_path: Path) -> None:
    pairs = find_pairs(write_pairs(tmp_path / "data", 5))
    with packed(_Often(pairs), 16, ArtifactStore(tmp_path / "cache"), workers=3) as found:
        for index, pair in enumerate(pairs):
            assert np.array_equal(found.images[index], read_photo(pair.image).resized(16, 16).pixels)


class _Often:
    """Pairs without a length, as a manifest gives them."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.pairs = pairs

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)


def test_pairs_that_change_while_they_are_packed_are_not_kept(tmp_path: Path) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 4)), ArtifactStore(tmp_path / "cache")
    for later in (pairs[:3], [*pairs[:3], pairs[0]]):  # fewer, or others, the second time
        turns = iter((pairs, later))

        class Changing:
            def __iter__(self, turns: Iterator[list[Pair]] = turns) -> Iterator[Pair]:
                return iter(next(turns))

        with pytest.raises(InputError, match="changed while they were being packed"), packed(Changing(), 16, store):
            pass
    assert not list(list_entries(store.root, STAGE))


def test_a_damaged_packed_form_is_packed_anew(tmp_path: Path) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 2)), ArtifactStore(tmp_path / "cache")
    with packed(pairs, 16, store) as found:
        before = found.labels.copy()
    for tail in (b"\xc8", b""):  # one wrong byte, or one too few
        [entry] = list_entries(store.root, STAGE)
        file = entry.folder / "labels.npy"
        file.write_bytes(file.read_bytes()[:-1] + tail)
        with packed(pairs, 16, store) as again:
            assert np.array_equal(again.labels, before)


def test_a_damaged_pair_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder, store = write_pairs(tmp_path / "data", 2), ArtifactStore(tmp_path / "cache")
    (folder / "images" / "001.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"001\.png"), packed(find_pairs(folder), 32, store):
        pass
    assert not list(list_entries(store.root, STAGE))
    assert not list((store.root / ".tmp").glob("*"))


def test_a_disk_that_is_too_small_is_told_before_it_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 2)), ArtifactStore(tmp_path / "cache")
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: usage)
        said = r"2 pairs packed at 512×512 need 2 MB, and 1 MB are free; free some space"
        with pytest.raises(CacheError, match=said), packed(pairs, 512, store):
            pass
    assert not list((store.root / ".tmp").glob("*"))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system takes no place in advance")
def test_place_that_cannot_be_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 2)), ArtifactStore(tmp_path / "cache")

    def fail(code: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", lambda *_: fail(errno.ENOSPC))
    with pytest.raises(CacheError, match=r"cannot be written \(No space.*--cache DIR"), packed(pairs, 32, store):
        pass
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: fail(errno.EOPNOTSUPP))
    with packed(pairs, 32, store) as found:
        assert len(found) == 2


def test_what_the_caller_cannot_do_is_not_the_caches_fault(tmp_path: Path) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 2)), ArtifactStore(tmp_path / "cache")

    def gone(done: int, total: int) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError), packed(pairs, 32, store, on_packed=gone):
        pass


def test_faces_and_label_maps_that_are_not_square_are_refused(tmp_path: Path) -> None:
    folder, store = write_pairs(tmp_path / "data", 1), ArtifactStore(tmp_path / "cache")
    write_photo(drawn_face(drawn_labels(0), 0).resized(64, 48), folder / "images" / "000.png")
    with pytest.raises(InputError, match="64×48"), packed(find_pairs(folder), 32, store):
        pass
    write_photo(drawn_face(drawn_labels(0), 0), folder / "images" / "000.png")
    write_label_map(LabelMap(np.zeros((32, 64), dtype=np.uint8)), folder / "labels" / "000.png")
    with pytest.raises(LabelMapError, match="64×32"), packed(find_pairs(folder), 32, store):
        pass


def test_what_is_read_is_not_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 2)), ArtifactStore(tmp_path / "cache")
    monkeypatch.setattr("facesynth.datasets.kept_arrays.pinned", quickly_pinned)
    with packed(pairs, 32, store):
        _let_age(store)
        deadline = time.monotonic() + 20
        while _last_use(store) < time.time() - 3600 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert collect(store.root, keep_last=0).removed == 0
        assert [entry.folder.is_dir() for entry in list_entries(store.root, STAGE)] == [True]
    _let_age(store)
    assert collect(store.root, keep_last=0).removed == 1


def quickly_pinned(store: ArtifactStore, stage: str, key: str) -> AbstractContextManager[None]:
    """A pin that does not wait a quarter of an hour."""
    return pinned(store, stage, key, every=0.01)


def _last_use(store: ArtifactStore) -> float:
    return max(entry.used for entry in list_entries(store.root, STAGE) if isinstance(entry, Entry))


def _let_age(store: ArtifactStore) -> None:
    """Make the entry and the logs of the runs look as if they had last been used two hours ago."""
    past = time.time() - 7200
    for path in store.root.rglob("*"):
        os.utime(path, (past, past))


def test_a_damaged_packed_form_in_a_cache_that_is_only_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, store = find_pairs(write_pairs(tmp_path / "data", 1)), ArtifactStore(tmp_path / "cache")
    with packed(pairs, 32, store):
        pass
    (entry,) = list_entries(store.root, STAGE)
    with (entry.folder / "labels.npy").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x7f")

    def refused(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("facesynth.datasets.kept_arrays.discard", refused)
    with pytest.raises(CacheError, match=r"Permission denied.*--cache DIR"), packed(pairs, 32, store):
        pass
