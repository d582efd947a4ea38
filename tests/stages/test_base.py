"""The codec of a value that is one file."""

from __future__ import annotations

from pathlib import Path

from facesynth.stages.base import Codec, FileCodec


def test_one_file_there_and_back(tmp_path: Path) -> None:
    codec: Codec[int] = FileCodec("number.txt", lambda value: str(value).encode(), lambda data, where: int(data))
    files = codec.write(42)
    assert dict(files) == {codec.main: b"42"}
    (tmp_path / codec.main).write_bytes(files[codec.main])
    assert codec.read(tmp_path) == 42


def test_the_decoder_is_told_the_file(tmp_path: Path) -> None:
    codec: Codec[str] = FileCodec("a.txt", str.encode, lambda data, where: where)
    (tmp_path / "a.txt").write_bytes(b"")
    assert codec.read(tmp_path) == str(tmp_path / "a.txt")
