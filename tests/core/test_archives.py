"""Images in archives: which members they are, and where they lie."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from facesynth.core.archives import LABELS_EXTENSION, ArchivePart, list_images, relative_name
from facesynth.core.errors import ImageError

SUFFIXES = frozenset({".jpg", ".png"})


def write_tar(path: Path, *names: str, links: dict[str, str] | None = None, kind: bytes = tarfile.LNKTYPE) -> Path:
    """An archive of files that hold their own names, and links to others after them."""
    with tarfile.open(path, "w") as written:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            written.addfile(member, io.BytesIO(name.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            written.addfile(member)
    return path


def names(path: Path, **options: str) -> list[str]:
    found, fault = list_images(path, suffixes=SUFFIXES, **options)
    assert fault is None
    return list(found)


def test_images_are_found_in_the_archive_s_order_and_read_where_they_lie(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", "b.jpg", "b.json", "sub/a.PNG", "./c.png")
    found, fault = list_images(path, suffixes=SUFFIXES)
    assert fault is None and list(found) == ["b.jpg", "sub/a.PNG", "c.png"]
    assert [part.read(name) for name, part in found.items()] == [b"b.jpg", b"sub/a.PNG", b"./c.png"]


def test_of_a_sample_the_image_counts_and_not_what_is_beside_it(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", "1.jpg", "1.labels.png", "1.seg.png", "d.1.png", "d.2.png", "s/1.labels.png")
    assert names(path) == ["1.jpg", "d.1.png", "d.2.png", "s/1.labels.png"]
    assert names(path, extension=LABELS_EXTENSION) == ["1.labels.png", "d.1.png", "d.2.png", "s/1.labels.png"]
    assert str(relative_name("s/1.labels.png", LABELS_EXTENSION)) == "s/1.png"
    assert str(relative_name("s/1.labels.png")) == "s/1.labels.png"


def test_hidden_files_are_passed_over_and_the_later_of_two_counts(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", "a.jpg", ".b.jpg", ".git/c.jpg", "._a.jpg", "./a.jpg")
    found, _ = list_images(path, suffixes=SUFFIXES)
    assert [part.read("") for part in found.values()] == [b"./a.jpg"]


@pytest.mark.parametrize("name", ["../a.jpg", "s/../../a.jpg", "/s/../a.jpg"])
def test_a_name_that_leads_out_of_the_archive_is_a_fault_and_no_path(tmp_path: Path, name: str) -> None:
    found, _ = list_images(write_tar(tmp_path / "x.tar", name), suffixes=SUFFIXES)
    [(told, part)] = found.items()
    assert ".." not in relative_name(told).parts and not relative_name(told).is_absolute()
    with pytest.raises(ImageError, match="leads out of the archive"):
        part.read(told)
    assert names(write_tar(tmp_path / "y.tar", "/abs/a.jpg")) == ["abs/a.jpg"]


def test_links_inside_are_followed_where_the_archive_holds_what_they_name(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", "a.jpg", links={"b.jpg": "./a.jpg", "c.jpg": "gone.jpg"})
    found, _ = list_images(path, suffixes=SUFFIXES)
    assert found["b.jpg"].read("") == b"a.jpg"
    with pytest.raises(ImageError, match=r"c: a link to gone\.jpg, which the archive does not hold"):
        found["c.jpg"].read("c")
    found, _ = list_images(write_tar(path, links={"p.png": "/etc/passwd"}, kind=tarfile.SYMTYPE), suffixes=SUFFIXES)
    with pytest.raises(ImageError, match="not followed"):
        found["p.png"].read("")


def test_what_is_whole_in_a_damaged_archive_is_found(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", "a.jpg", "b.jpg")
    path.write_bytes(path.read_bytes()[: 1024 + 512 + 2])
    found, fault = list_images(path, suffixes=SUFFIXES)
    assert found["a.jpg"].read("") == b"a.jpg" and fault is not None and "cut off" in fault.what
    with pytest.raises(ImageError, match="ends in the middle of it"):
        found["b.jpg"].read("b.jpg")
    assert "No such file" in str(list_images(tmp_path / "gone.tar", suffixes=SUFFIXES)[1])


def test_a_member_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="are more than"):
        ArchivePart(tmp_path / "gone.tar", 0, 1 << 40).read("x")
