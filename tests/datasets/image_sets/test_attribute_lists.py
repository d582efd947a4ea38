"""Faces with attributes."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError, InputError, UsageError
from facesynth.datasets.image_sets import open_image_set
from tests.datasets.image_sets.drawn import ATTRIBUTES, write_attributes, write_images

_ROWS = [(f"{number:06}.jpg", (1 if number % 2 else -1, -1, 1 if number > 2 else -1)) for number in range(1, 6)]


@pytest.mark.parametrize("place", ["img_align_celeba", "Img/img_align_celeba", "photos", "."])
@pytest.mark.parametrize("lists", [".", "Anno"])
def test_attributes_are_several_at_once(tmp_path: Path, place: str, lists: str) -> None:
    write_images(tmp_path / place, [f"{number:06}.jpg" for number in range(1, 6)])
    write_attributes(tmp_path / lists, _ROWS)
    images = open_image_set(tmp_path)
    assert images.multi and images.classes == ATTRIBUTES
    assert [images.target(index) for index in range(5)] == [(1, 0, 0), (0, 0, 0), (1, 0, 1), (0, 0, 1), (1, 0, 1)]


def test_forty_attributes_keep_their_places(tmp_path: Path) -> None:
    write_images(tmp_path / "CelebA-HQ-img", ["0.png", "1.png"])
    write_images(tmp_path / "CelebAMask-HQ-mask-anno" / "0", ["00000_skin.png"])
    rows = [[1 if (place + number) % 3 == 0 else -1 for place in range(40)] for number in range(2)]
    names = " ".join(f"a{place}" for place in range(40))
    lines = [f"{number}.jpg  {' '.join(map(str, row))}" for number, row in enumerate(rows)]
    (tmp_path / "CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(["2", names, *lines]) + "\n")
    images = open_image_set(tmp_path)
    assert len(images) == 2 and len(images.classes) == 40
    assert [images.target(index) for index in range(2)] == [tuple(max(value, 0) for value in row) for row in rows]


def test_a_list_may_name_more_images_than_are_there(tmp_path: Path) -> None:
    write_images(tmp_path / "img_align_celeba", ["000004.png", "000002.png"])
    write_attributes(tmp_path, _ROWS)
    images = open_image_set(tmp_path)
    assert [(images.name(index), images.target(index)) for index in range(2)] == [
        ("000002", (0, 0, 0)),
        ("000004", (0, 0, 1)),
    ]


def test_images_that_it_does_not_name_are_counted(tmp_path: Path) -> None:
    write_images(tmp_path / "img_align_celeba", ["000001.jpg", "000007.jpg", "000008.jpg"])
    write_attributes(tmp_path, _ROWS)
    said = r"2 images have no row in list_attr_celeba\.txt, the first is 000007\.jpg"
    with pytest.raises(InputError, match=said):
        open_image_set(tmp_path)


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path / "faces", ["a/000001.jpg", "b/000001.jpg"])
    write_attributes(tmp_path, _ROWS)
    with pytest.raises(InputError, match=r"b/000001\.jpg: .*a/000001\.jpg has the same name"):
        open_image_set(tmp_path)


def test_damaged_lists_are_named(tmp_path: Path) -> None:
    write_images(tmp_path / "img_align_celeba", ["000001.jpg", "000002.jpg"])
    path = write_attributes(tmp_path, [*_ROWS, _ROWS[0]])
    with pytest.raises(InputError, match=r"list_attr_celeba\.txt: it names an image twice"):
        open_image_set(tmp_path)
    path.write_text(path.read_text().replace("Smiling", "Bald"))
    with pytest.raises(InputError, match="two attributes are named Bald"):
        open_image_set(tmp_path)
    write_attributes(tmp_path, [(name, (2, 1, 1)) for name, _ in _ROWS])
    with pytest.raises(ConfigError, match=r"line 3: .*3 values of 1 or -1"):
        open_image_set(tmp_path)


def test_the_official_division_is_kept(tmp_path: Path) -> None:
    write_images(tmp_path / "img_align_celeba", [f"{number:06}.jpg" for number in range(1, 6)])
    write_attributes(tmp_path, _ROWS)
    with pytest.raises(UsageError, match=r"no test part: list_eval_partition\.txt is not there"):
        open_image_set(tmp_path, part="test")
    sides = tmp_path / "list_eval_partition.txt"
    sides.write_text("".join(f"{name} {side}\n" for (name, _), side in zip(_ROWS, "02100", strict=True)))
    train, test = open_image_set(tmp_path), open_image_set(tmp_path, part="test")
    assert [train.name(index) for index in range(len(train))] == ["000001", "000004", "000005"]
    assert [test.name(index) for index in range(len(test))] == ["000002"]
    assert test.multi and test.classes == ATTRIBUTES and train.target(2) == (1, 0, 1)
    sides.write_text("".join(f"{name} 1\n" for name, _ in _ROWS))
    assert len(open_image_set(tmp_path, part="test")) == 5
    with pytest.raises(UsageError, match="none of the images is in the train part"):
        open_image_set(tmp_path)


def test_without_a_list_it_says_which_is_wanted(tmp_path: Path) -> None:
    write_images(tmp_path, ["a.png"])
    with pytest.raises(UsageError, match=r"no list_attr_celeba\.txt and no CelebAMask-HQ-attribute-anno\.txt"):
        open_image_set(tmp_path, "attributes")
