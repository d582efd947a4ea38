"""CIFAR-10 and CIFAR-100 in their binary versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import InputError, UsageError
from facesynth.datasets.image_sets import Layout, open_image_set
from tests.datasets.image_sets.drawn import TEN, drawn_pixels, write_hundred, write_ten


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
@pytest.mark.parametrize("layout", ["auto", "cifar-10"])
def test_ten_classes(tmp_path: Path, inner: str, layout: Layout) -> None:
    write_ten(tmp_path / inner, each=4)
    images = open_image_set(tmp_path, layout)
    assert len(images) == 20 and images.classes == TEN and not images.multi
    for index in range(20):
        assert np.array_equal(images.read(index).pixels, drawn_pixels(index))
        assert images.target(index) == index % 10
    assert [images.name(index) for index in (0, 3, 4, 19)] == [
        "data_batch_1/00000",
        "data_batch_1/00003",
        "data_batch_2/00000",
        "data_batch_5/00003",
    ]
    test = open_image_set(tmp_path, layout, part="test")
    assert len(test) == 4 and np.array_equal(test.read(0).pixels, drawn_pixels(20))


@pytest.mark.parametrize("inner", ["", "cifar-100-binary"])
def test_a_hundred_classes_are_told_by_the_second_byte(tmp_path: Path, inner: str) -> None:
    write_hundred(tmp_path / inner, 5)
    images = open_image_set(tmp_path)
    assert len(images) == 5 and len(images.classes) == 100 and images.classes[99] == "fine99"
    assert [images.target(index) for index in range(5)] == [99, 98, 97, 96, 95]
    assert np.array_equal(images.read(4).pixels, drawn_pixels(4))
    assert len(open_image_set(tmp_path, "cifar-100", part="test")) == 5


@pytest.mark.parametrize("index", [-1, 20])
def test_there_is_no_image_outside_of_the_set(tmp_path: Path, index: int) -> None:
    images = open_image_set(write_ten(tmp_path, each=4))
    with pytest.raises(IndexError, match="20 images"):
        images.read(index)


def test_a_class_id_out_of_range_is_told_with_its_place(tmp_path: Path) -> None:
    path = write_ten(tmp_path) / "data_batch_3.bin"
    data = bytearray(path.read_bytes())
    data[2 * 3073] = 10
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"data_batch_3\.bin \(image 2\): class id 10, ids are 0 to 9; .*again"):
        open_image_set(tmp_path)
    assert len(open_image_set(tmp_path, part="test")) == 4


@pytest.mark.parametrize(("byte", "value", "most"), [(0, 20, 19), (1, 100, 99)])
def test_coarse_and_fine_ids_have_their_own_ranges(tmp_path: Path, byte: int, value: int, most: int) -> None:
    path = write_hundred(tmp_path) / "train.bin"
    data = bytearray(path.read_bytes())
    data[3 * 3074 + byte] = value
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"\(image 3\): class id {value}, ids are 0 to {most}"):
        open_image_set(tmp_path)


@pytest.mark.parametrize("lost", [1, 3073])
def test_a_truncated_file_is_named(tmp_path: Path, lost: int) -> None:
    path = write_ten(tmp_path) / "data_batch_4.bin"
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(InputError, match=r"data_batch_4\.bin: .*the file is truncated"):
        open_image_set(tmp_path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (write_hundred(tmp_path) / "train.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"train\.bin: 0 bytes"):
        open_image_set(tmp_path)


@pytest.mark.parametrize("name", ["data_batch_2.bin", "batches.meta.txt"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write_ten(tmp_path) / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: .*No such file.*cifar-10-binary\.tar\.gz"):
        open_image_set(tmp_path)


@pytest.mark.parametrize("names", ["\n".join(TEN[:9]), "\n".join((*TEN[:9], "cat"))])
def test_names_must_be_one_a_class(tmp_path: Path, names: str) -> None:
    (write_ten(tmp_path) / "batches.meta.txt").write_text(names)
    with pytest.raises(InputError, match=r"batches\.meta\.txt: 9 different names, cifar-10 has 10 classes"):
        open_image_set(tmp_path)


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    (write_ten(tmp_path) / "batches.meta.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"batches\.meta\.txt: .*no text"):
        open_image_set(tmp_path)


@pytest.mark.parametrize(
    ("layout", "files", "archive"),
    [
        ("cifar-10", ("data_batch_1", "data_batch_2", "test_batch", "batches.meta"), "cifar-10-binary"),
        ("cifar-10", ("cifar-10-batches-py/data_batch_1",), "cifar-10-binary"),
        ("cifar-100", ("cifar-100-python/train", "cifar-100-python/meta"), "cifar-100-binary"),
        ("cifar-10", ("cifar-10-python.tar.gz",), "cifar-10-binary"),
    ],
)
def test_the_pickled_version_is_refused(tmp_path: Path, layout: Layout, files: tuple[str, ...], archive: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x02}.")
    asked: tuple[Layout, Layout] = ("auto", layout)
    for each in asked:
        with pytest.raises(UsageError, match=rf"Python version of {layout}.*get the binary version, {archive}"):
            open_image_set(tmp_path, each)


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "cifar-100-binary.tar.gz"
    archive.write_bytes(b"\x1f\x8b")
    with pytest.raises(UsageError, match=r"not unpacked; unpack it: tar -xzf cifar-100-binary\.tar\.gz"):
        open_image_set(tmp_path)
    with pytest.raises(UsageError, match="unpack an archive first"):
        open_image_set(archive)


def test_a_folder_without_it_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no data_batch_1\.bin .*unpack cifar-10-binary\.tar\.gz"):
        open_image_set(tmp_path, "cifar-10")


def test_a_file_that_shrinks_meanwhile_is_named(tmp_path: Path) -> None:
    images = open_image_set(write_ten(tmp_path))
    (tmp_path / "data_batch_1.bin").write_bytes(b"short")
    with pytest.raises(InputError, match=r"data_batch_1\.bin: .*has changed"):
        images.read(0)
