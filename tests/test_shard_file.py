"""Archives of results: the same bytes each time, whole or not there, left alone where nothing changed."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from facesynth.core.errors import CacheError, OutputError
from facesynth.core.refs import sha256_bytes
from facesynth.outputs import Member, OutputTree, shard_file
from facesynth.outputs.shard_file import ShardFile

PLACE = PurePosixPath("sub/s.tar")


def member(name: str, data: bytes | None = None, *, read: bool = True) -> Member:
    content = name.encode() * 300 if data is None else data

    def give() -> bytes:
        assert read, f"{name} need not be read"
        return content

    return Member(name, len(content), sha256_bytes(content), give)


def written(folder: Path, *samples: list[Member]) -> Path:
    with OutputTree(folder, [], []) as tree:
        shard = ShardFile(tree, PLACE)
        for sample in samples:
            shard.add(sample)
        shard.publish()
    return folder / PLACE


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


SAMPLES = [member("a.png"), member("a.labels.png")], [member("ü/b.png", b""), member("ü/b.labels.png", b"x" * 512)]


def test_every_tar_reads_it_and_it_tells_of_no_time_nor_owner(tmp_path: Path) -> None:
    path = written(tmp_path / "one", *SAMPLES)
    assert contents(path) == {one.name: one.read() for sample in SAMPLES for one in sample}
    assert path.read_bytes() == written(tmp_path / "two", *SAMPLES).read_bytes() and path.stat().st_size % 10_240 == 0
    with tarfile.open(path) as archive:
        told = {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in archive}
    assert told == {(0, 0, 0, "", "", 0o644)}


def test_what_lies_there_already_is_neither_read_anew_nor_written(tmp_path: Path) -> None:
    path = written(tmp_path, *SAMPLES)
    before = path.stat()
    again = [[member(one.name, one.read(), read=False) for one in sample] for sample in SAMPLES]
    assert written(tmp_path, *again).stat() == before


@pytest.mark.parametrize("where", [0, 700, 2000, 4200, -5])
def test_one_changed_byte_is_mended_and_what_came_before_it_is_kept(tmp_path: Path, where: int) -> None:
    path = written(tmp_path, *SAMPLES)
    right = path.read_bytes()
    damaged = bytearray(right)
    damaged[where] ^= 1
    path.write_bytes(damaged)
    again = [[member(one.name, one.read(), read=where != -5) for one in s] for s in SAMPLES]
    assert written(tmp_path, *again).read_bytes() == right
    assert [item.name for item in tmp_path.iterdir()] == ["sub"]


def test_what_was_appended_to_an_archive_goes(tmp_path: Path) -> None:
    path = written(tmp_path, *SAMPLES)
    right = path.read_bytes()
    path.write_bytes(right + bytes(512))
    assert written(tmp_path, *SAMPLES).read_bytes() == right


def test_fewer_and_more_samples_and_another_order_are_other_archives(tmp_path: Path) -> None:
    path = written(tmp_path, *SAMPLES)
    for samples in ([SAMPLES[0]], [*SAMPLES, [member("c.png")]], SAMPLES[::-1]):
        expected = written(tmp_path / "fresh", *samples).read_bytes()
        assert written(tmp_path, *samples).read_bytes() == path.read_bytes() == expected


def test_a_sample_of_which_a_file_is_lost_leaves_nothing_of_itself(tmp_path: Path) -> None:
    def lost() -> bytes:
        raise CacheError("gone")

    for start in ([], [SAMPLES[1]]):  # also where the first archive agrees up to there
        if start:
            written(tmp_path, SAMPLES[0], *start)
        with OutputTree(tmp_path, [], []) as tree:
            shard = ShardFile(tree, PLACE)
            shard.add(SAMPLES[0])
            with pytest.raises(CacheError):
                shard.add([member("c.png"), Member("c.labels.png", 3, "0" * 64, lost)])
            shard.add(SAMPLES[1])
            with pytest.raises(CacheError):
                shard.add([member("d.png", b"d" * 20_000), Member("d.labels.png", 3, "0" * 64, lost)])
            shard.publish()
        assert (tmp_path / PLACE).read_bytes() == written(tmp_path / "fresh", *SAMPLES).read_bytes()


def test_until_it_is_published_nothing_is_there_and_what_was_stays(tmp_path: Path) -> None:
    for before in (None, b"older"):
        if before:
            (tmp_path / PLACE).write_bytes(before)
        with OutputTree(tmp_path, [], []) as tree:
            shard = ShardFile(tree, PLACE)
            shard.add(SAMPLES[0])
            assert (tmp_path / PLACE).exists() == bool(before)
            shard.abandon()
        assert not before or (tmp_path / PLACE).read_bytes() == before
        assert [item.name for item in tmp_path.iterdir()] == ["sub"]


def test_an_input_is_never_replaced_by_an_archive(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / PLACE).write_bytes(b"mine")
    with OutputTree(tmp_path, [], [], reads=[tmp_path / PLACE]) as tree:
        shard = ShardFile(tree, PLACE)
        with pytest.raises(OutputError, match="never overwritten"):
            shard.add(SAMPLES[0])
    assert (tmp_path / PLACE).read_bytes() == b"mine"


def test_a_member_of_another_size_than_was_said_is_refused(tmp_path: Path) -> None:
    with OutputTree(tmp_path, [], []) as tree, pytest.raises(CacheError, match="3 bytes instead of 4"):
        ShardFile(tree, PLACE).add([Member("a", 4, "0" * 64, io.BytesIO(b"abc").read)])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_told_with_what_to_do_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutputTree, "draft", lambda tree, relative: Path("/dev/full"))
    for data in (b"x" * 100, b"x" * 1_000_000):  # which shows when the archive is closed, or at once
        with OutputTree(tmp_path, [], []) as tree:
            shard = ShardFile(tree, PLACE)
            with pytest.raises(OSError, match=r"make room, or choose another.*s\.tar"):  # noqa: PT012 - either may
                shard.add([member("a.png", data)])
                shard.publish()
            shard.abandon()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs a system that tells what is open")
def test_the_archive_that_is_replaced_is_not_open_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows would refuse."""
    path, replaced = written(tmp_path, SAMPLES[0]), list[str]()

    def replace(source: str, target: str, real: Callable[..., None] = os.replace) -> None:
        opened = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
        assert str(path) not in opened and str(source) not in opened
        replaced.append(str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    written(tmp_path, *SAMPLES)
    assert replaced == [str(path)]


def test_while_an_archive_is_written_its_draft_is_kept_from_looking_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Putting more into a file does not change its folder's time, by which others tell whether it is left over."""
    monkeypatch.setattr(shard_file, "_ALIVE_SECONDS", -1)
    with OutputTree(tmp_path, [], []) as tree:
        shard = ShardFile(tree, PLACE)
        shard.add(SAMPLES[0])
        (aside,) = tmp_path.glob(".partial-*")
        os.utime(aside, (1_000_000, 1_000_000))
        shard.add(SAMPLES[1])
        assert aside.stat().st_mtime > 1_000_000
        shard.publish()
