"""Sets with a folder a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import InputError, UsageError
from facesynth.core.image_files import read_photo
from facesynth.datasets.image_sets import open_image_set
from tests.datasets.image_sets.drawn import write_classes, write_image, write_images


def test_classes_are_the_folders_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_classes(tmp_path, ["dog", "cat", "bird"])
    images = open_image_set(tmp_path)
    assert images.classes == ("bird", "cat", "dog") and not images.multi
    assert [images.name(index) for index in range(6)] == ["bird/0", "bird/1", "cat/0", "cat/1", "dog/0", "dog/1"]
    assert [images.target(index) for index in range(6)] == [0, 0, 1, 1, 2, 2]
    assert (images.read(2).pixels == read_photo(tmp_path / "cat" / "0.png").pixels).all()


def test_a_link_upwards_brings_no_other_class(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "data", ["cat", "dog"])
    (folder / "cat" / "up").symlink_to("..", target_is_directory=True)
    images = open_image_set(folder, "classes")
    assert [images.name(index) for index in range(len(images))] == ["cat/0", "cat/1", "dog/0", "dog/1"]


@pytest.mark.parametrize(("name", "test_name"), [("train", "test"), ("train", "val"), ("Training", "Validation")])
def test_parts_share_the_ids_of_the_training_part(tmp_path: Path, name: str, test_name: str) -> None:
    write_classes(tmp_path / name, ["cat", "dog"], 3)
    write_classes(tmp_path / test_name, ["dog"], 1)
    assert len(open_image_set(tmp_path)) == 6
    test = open_image_set(tmp_path, part="test")
    assert test.classes == ("cat", "dog") and [test.target(index) for index in range(len(test))] == [1]


def test_a_test_class_that_training_does_not_know_is_named(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", ["cat", "dog"])
    write_classes(tmp_path / "test", ["cat", "emu"])
    with pytest.raises(UsageError, match=r"test/emu: this class is not among"):
        open_image_set(tmp_path, part="test")


def test_without_parts_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no test part"):
        open_image_set(write_classes(tmp_path, ["cat", "dog"]), part="test")


def test_a_class_of_one_image_is_named(tmp_path: Path) -> None:
    write_classes(tmp_path, ["cat", "dog"])
    write_image(tmp_path / "emu" / "0.png")
    with pytest.raises(InputError, match=r"emu: this class holds one image, .*remove the folder or put more images"):
        open_image_set(tmp_path)
    write_image(tmp_path / "fox" / "0.png")
    with pytest.raises(InputError, match=r"emu: .*, and so do 1 more \(fox\)"):
        open_image_set(tmp_path)
    write_image(tmp_path / "emu" / "1.png")
    write_image(tmp_path / "fox" / "1.png")
    assert len(open_image_set(tmp_path).classes) == 4


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    (write_classes(tmp_path, ["cat", "dog"]) / "ant").mkdir()
    with pytest.raises(InputError, match=r"ant: this class holds no image; remove"):
        open_image_set(tmp_path)


def test_images_beside_the_classes_are_refused(tmp_path: Path) -> None:
    write_image(write_classes(tmp_path, ["cat", "dog"]) / "stray.png")
    with pytest.raises(UsageError, match=r"directly, and not in a folder a class; .*data\.layout=folder"):
        open_image_set(tmp_path, "classes")


def test_a_part_may_be_the_name_of_a_class(tmp_path: Path) -> None:
    assert open_image_set(write_classes(tmp_path, ["bus", "car", "train"])).classes == ("bus", "car", "train")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """tiny-ImageNet in small: boxes beside images/, an annotated val/, a test/ without classes."""
    for name in ("n02", "n01"):
        write_images(tmp_path / "train" / name / "images", [f"{name}_0.JPEG", f"{name}_1.JPEG"])
        (tmp_path / "train" / name / f"{name}_boxes.txt").write_text(f"{name}_0.JPEG\t0\t0\t9\t9\n")
    write_images(tmp_path / "val" / "images", ["val_0.JPEG", "val_1.JPEG", "val_2.JPEG"])
    rows = ["val_0.JPEG\tn02\t0\t32\t44\t62", "val_1.JPEG\tn01\t1\t2\t3\t4", "val_2.JPEG\tn02\t1\t2\t3\t4"]
    (tmp_path / "val" / "val_annotations.txt").write_text("\n".join(rows) + "\n")
    write_images(tmp_path / "test" / "images", ["test_0.JPEG", "test_1.JPEG"])
    (tmp_path / "wnids.txt").write_text("n02\nn01\n")
    return tmp_path


def test_tiny_imagenet(tiny: Path) -> None:
    images = open_image_set(tiny)
    assert images.classes == ("n01", "n02") and [images.target(index) for index in range(4)] == [0, 0, 1, 1]
    assert images.name(3) == "n02/images/n02_1"
    test = open_image_set(tiny, part="test")
    assert test.classes == images.classes and [test.target(index) for index in range(3)] == [1, 0, 1]


def test_annotations_must_tell_each_image_and_know_each_class(tiny: Path) -> None:
    annotations = tiny / "val" / "val_annotations.txt"
    text = annotations.read_text()
    annotations.write_text(text.replace("val_1", "val_7"))
    with pytest.raises(InputError, match=r"val_annotations\.txt: 1 images below val/ have no row.*val_1\.JPEG"):
        open_image_set(tiny, part="test")
    annotations.write_text(text.replace("n01", "n99"))
    with pytest.raises(InputError, match=r"line 2: .*n99"):
        open_image_set(tiny, part="test")
    annotations.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no text"):
        open_image_set(tiny, part="test")
