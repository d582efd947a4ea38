"""Headers of tar archives, against what Python's own writer writes, and everything that can be wrong with them."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from facesynth.core.errors import ImageError
from facesynth.core.tar_headers import HARD_LINK, REGULAR, SPARSE, SYMBOLIC_LINK, read_headers

NAMES = ["a.jpg", "d" * 90 + "/" + "n" * 90 + ".png", "x" * 200 + ".jpg", "顔/ü.png", "\udcff.jpg"]


def archive(*names: str, form: int = tarfile.PAX_FORMAT, data: bytes = b"x" * 700) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, errors="surrogateescape") as written:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            written.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def listed(data: bytes) -> list[tuple[str, bytes, bytes]]:
    """Each member's name and kind, and the bytes that lie where it says."""
    found = list(read_headers(io.BytesIO(data), "x.tar"))
    return [(member.name, member.kind, data[member.offset : member.offset + member.size]) for member in found]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_s_names_and_data_are_found(form: int) -> None:
    names = [name for name in NAMES if form != tarfile.USTAR_FORMAT or len(name) < 200]
    assert listed(archive(*names, form=form)) == [(name, REGULAR, b"x" * 700) for name in names]
    assert listed(archive("empty", "b", form=form, data=b"")) == [("empty", REGULAR, b""), ("b", REGULAR, b"")]


def test_sizes_beyond_what_octal_digits_hold() -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        told = tarfile.TarInfo("large.jpg")
        told.size = 20 << 30
        head = told.tobuf(form)
        found = read_headers(io.BytesIO(head), "x.tar")
        assert next(found).size == 20 << 30
        with pytest.raises(ImageError, match="cut off: it ends at byte"):
            next(found)


def test_links_folders_and_sparse_files_are_known_and_take_no_room() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as written:
        for kind, size in ((tarfile.DIRTYPE, 0), (tarfile.LNKTYPE, 99), (tarfile.SYMTYPE, 0)):
            member = tarfile.TarInfo("m")
            member.type, member.linkname, member.size = kind, "l" * 120, size
            written.addfile(member)
        member = tarfile.TarInfo("thin.png")
        member.pax_headers = {"GNU.sparse.major": "1"}
        written.addfile(member)
    found = list(read_headers(io.BytesIO(stream.getvalue()), "x.tar"))
    assert [member.kind for member in found] == [b"5", HARD_LINK, SYMBOLIC_LINK, SPARSE]
    assert found[1].link == "l" * 120


def test_what_follows_the_end_mark_is_not_looked_at() -> None:
    assert len(listed(archive("a") + archive("b"))) == 1


@pytest.mark.parametrize("cut", [300, 512, 900, 1024 + 512, 1024 + 512 + 20])
def test_an_archive_that_was_cut_off_says_so_after_what_is_whole(cut: int) -> None:
    found: list[str] = []
    members = read_headers(io.BytesIO(archive("a", "b")[:cut]), "x.tar")
    with pytest.raises(ImageError, match="cut off"):
        found.extend(member.name for member in members)
    assert found == ["a"][: cut // 512] + ["b"][: cut // 2048]


def test_a_damaged_header_ends_the_list_with_its_place() -> None:
    data = bytearray(archive("a", "b"))
    data[1536 + 3] ^= 1
    found = read_headers(io.BytesIO(data), "x.tar")
    assert next(found).name == "a"
    with pytest.raises(ImageError, match=r"x\.tar: damaged at byte 1536"):
        next(found)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"P6 no archive" * 100, "not a tar archive"),
        (gzip.compress(archive("a") * 50, 0), "compressed archive; decompress it"),
    ],
)
def test_what_is_no_archive_is_named(data: bytes, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        list(read_headers(io.BytesIO(data), "x.tar"))


@pytest.mark.parametrize(
    ("form", "size"), [(tarfile.PAX_FORMAT, 10**19), (tarfile.PAX_FORMAT, 1 << 63), (tarfile.GNU_FORMAT, 1 << 70)]
)
def test_a_size_that_no_file_can_have_is_damage(form: Literal[1, 2], size: int) -> None:
    told = tarfile.TarInfo("x")
    told.size = size
    with pytest.raises(ImageError, match="damaged at byte"):
        list(read_headers(io.BytesIO(told.tobuf(form) + bytes(4096)), "x.tar"))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_what_follows_the_largest_file_there_can_be_is_not_sought(form: Literal[1, 2], tmp_path: Path) -> None:
    told = tarfile.TarInfo("x")
    told.size = (1 << 63) - 1
    (tmp_path / "x.tar").write_bytes(told.tobuf(form) + bytes(4096))
    with (tmp_path / "x.tar").open("rb") as stream:
        found = read_headers(stream, "x.tar")
        assert next(found).size == (1 << 63) - 1
        with pytest.raises(ImageError, match="cut off: it ends at byte"):
            next(found)


def test_a_name_of_gigabytes_is_not_read() -> None:
    told = tarfile.TarInfo("x")
    told.type, told.size = tarfile.XHDTYPE, 1 << 40
    with pytest.raises(ImageError, match="a name of 1099511627776 bytes"):
        list(read_headers(io.BytesIO(told.tobuf(tarfile.GNU_FORMAT) + bytes(4096)), "x.tar"))


@pytest.mark.parametrize("record", [b"99 path=a\n", b"0 path=a\n", b"path=a\n", b"-5 path=a\n", b"7 nosep\n"])
def test_a_broken_pax_header_is_damage(record: bytes) -> None:
    told = tarfile.TarInfo("x")
    told.type, told.size = tarfile.XHDTYPE, len(record)
    with pytest.raises(ImageError, match="no pax header"):
        list(read_headers(io.BytesIO(told.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0") + archive("a")), "x"))
