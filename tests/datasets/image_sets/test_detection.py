"""How `auto` tells layouts apart, and when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.datasets.image_sets import open_image_set
from tests.datasets.image_sets.drawn import write_hundred, write_images, write_ten


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["a.png", "b.png"], ()),
        (["faces/a.png", "faces/b.png"], ()),
        (["00000/00000.png", "01000/01000.png"], ()),  # FFHQ's folders of a thousand
        (["train/a.png", "test/b.png"], ()),
        (["train/images/a.png", "test/images/b.png"], ()),
        (["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"], ("cat", "dog")),
        (["0/0.png", "0/1.png", "1/0.png", "1/1.png"], ("0", "1")),
        (["train/cat/0.png", "train/cat/1.png", "train/dog/0.png", "train/dog/1.png"], ("cat", "dog")),
    ],
)
def test_what_is_clear_is_found(tmp_path: Path, names: Sequence[str], classes: tuple[str, ...]) -> None:
    assert open_image_set(write_images(tmp_path, names)).classes == classes


@pytest.mark.parametrize(
    "names",
    [
        ["a.png", "cat/0.png", "dog/0.png"],
        ["people/ann/0.png", "people/ann/1.png", "people/bob/0.png", "people/bob/1.png"],
        ["a/x/0.png", "a/y/1.png", "b/0.png", "b/1.png"],
        ["test/0.png", "test/1.png", "val/0.png", "val/1.png"],
        ["train/cat/0.png", "train/0.png"],
    ],
)
def test_what_is_not_clear_is_asked(tmp_path: Path, names: Sequence[str]) -> None:
    write_images(tmp_path, names)
    said = r"two ways: .*; say --set data\.layout=classes \(.*\) or --set data\.layout=folder"
    with pytest.raises(UsageError, match=said):
        open_image_set(tmp_path)
    top = tmp_path / "train" if (tmp_path / "train").is_dir() else tmp_path
    assert len(open_image_set(tmp_path, "folder")) == len([*top.rglob("*.png")])


def test_both_versions_of_cifar_are_asked_about(tmp_path: Path) -> None:
    write_hundred(write_ten(tmp_path))
    with pytest.raises(UsageError, match=r"say --set data\.layout=cifar-10 or --set data\.layout=cifar-100"):
        open_image_set(tmp_path)
    assert len(open_image_set(tmp_path, "cifar-100").classes) == 100


def test_label_maps_are_not_taken_for_a_class(tmp_path: Path) -> None:
    write_images(tmp_path, ["images/0.png", "images/1.png", "labels/0.png", "labels/1.png"])
    with pytest.raises(UsageError, match=r"images and label maps.*give .*images"):
        open_image_set(tmp_path)
    assert len(open_image_set(tmp_path / "images")) == 2


def test_images_beside_the_parts_are_told(tmp_path: Path) -> None:
    write_images(tmp_path, ["train/cat/0.png", "train/dog/0.png", "test/cat/0.png", "docs/figure.png"])
    with pytest.raises(UsageError, match=r"beside train/ that belong to no part: docs/; move docs/ away"):
        open_image_set(tmp_path)
