"""CelebA's published layout and its lists, as their authors and Kaggle lay them out."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError, InputError, UsageError
from facesynth.datasets.importing.layout import Entry
from facesynth.datasets.layouts.celeba import CelebaLayout
from facesynth.datasets.layouts.celeba_lists import (
    find_list,
    held,
    identity_rows,
    partition_rows,
    read_attribute_bits,
    read_landmarks,
)
from facesynth.datasets.manifest import SIDES
from tests.drawn_field_datasets import (
    CELEBA_ATTRIBUTES,
    celeba_attributes,
    celeba_file,
    celeba_identity,
    celeba_landmarks,
    memory_held,
    write_celeba,
)

NUMBERS = (1, 2, 3, 17, 63, 202_599)
LISTS = ("list_eval_partition", "identity_CelebA", "list_attr_celeba", "list_landmarks_align_celeba")


def by_name(layout: CelebaLayout) -> dict[str, Entry]:
    return {entry.name: entry for entry in layout.entries()}


@pytest.mark.parametrize("csv", [False, True])
@pytest.mark.parametrize("lists", ["", "Anno", "Eval"])
@pytest.mark.parametrize("inside", ["img_align_celeba", "img_align_celeba/img_align_celeba", "Img/img_align_celeba"])
def test_every_way_it_is_laid_out_gives_the_same_faces(tmp_path: Path, inside: str, lists: str, csv: bool) -> None:
    folder = write_celeba(tmp_path, NUMBERS, inside=inside, lists=lists, csv=csv)
    layout = CelebaLayout(folder)
    assert (layout.about.name, layout.about.attributes) == ("celeba", CELEBA_ATTRIBUTES)
    assert len(layout) == len(NUMBERS)
    assert not layout.notes()
    for number, entry in zip(NUMBERS, layout.entries(), strict=True):
        sample = layout.make(entry, tmp_path / "out").sample
        path = folder / inside / celeba_file(number)
        assert (sample.name, sample.image) == (f"{number:06}", path)
        assert sample.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert sample.identity == celeba_identity(number)
        assert sample.attributes == celeba_attributes(number)
        assert sample.split == {"official": SIDES[number % 3]}
        assert [value for point in sample.landmarks for value in point] == celeba_landmarks(number)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lost", LISTS)
def test_a_list_that_is_missing_is_a_note(tmp_path: Path, lost: str) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    (folder / f"{lost}.txt").unlink()
    layout = CelebaLayout(folder)
    assert [note for note in layout.notes() if note.startswith(f"{lost}.txt is not there")]
    entry = by_name(layout)["000017"]
    known = [bool(entry.split), entry.identity is not None, bool(layout.about.attributes), bool(entry.landmarks)]
    assert known == [name != lost for name in LISTS]


def test_images_alone_import(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    for name in LISTS:
        (folder / f"{name}.txt").unlink()
    layout = CelebaLayout(folder)
    assert len(layout.notes()) == 4
    assert [int(entry.name) for entry in layout.entries()] == list(NUMBERS)
    sample = layout.make(by_name(layout)["000063"], tmp_path).sample
    assert (sample.identity, sample.attributes, dict(sample.split), sample.landmarks) == (None, (), {}, ())


def test_faces_that_are_listed_and_not_there_or_damaged_are_named(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS, images=(1, 2, 3))
    images = folder / "img_align_celeba"
    (images / "000002.jpg").write_bytes((images / "000002.jpg").read_bytes()[:300])
    (images / "000003.jpg").write_bytes(b"")
    shutil.copy(images / "000001.jpg", images / "000099.jpg")  # in no list
    shutil.copy(images / "000001.jpg", images / "copy.jpg")
    layout = CelebaLayout(folder)
    assert len(layout) == len(NUMBERS) + 1
    faults, whole = {}, []
    for entry in layout.entries():
        try:
            layout.make(entry, tmp_path)
            whole.append(entry.name)
        except InputError as error:
            faults[entry.name] = str(error).removeprefix(f"{entry.files[0]}: ")
    assert whole == ["000001", "000099"]
    assert faults["000002"] == "the file is truncated" and faults["000003"] == "the file is empty"
    assert faults["000017"] == faults["202599"] == "no image"
    assert layout.notes() == [
        "3 images that the lists name are not in img_align_celeba",
        "1 faces are not in list_eval_partition: they are on no side of official",
        "1 faces are not in identity_CelebA: they get no identity",
        "1 faces are not in list_attr_celeba: they get no attributes, as if none held",
        "1 faces are not in list_landmarks_align_celeba: they get no landmarks",
        "1 images with other names are left out",
    ]


def test_faces_that_the_list_of_attributes_lacks_are_counted(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    path = folder / "list_attr_celeba.txt"
    first, names, *rows = path.read_text().splitlines()
    path.write_text("\n".join([str(int(first) - 2), names, *rows[:-2]]) + "\n")
    layout = CelebaLayout(folder)
    assert layout.notes() == ["2 faces are not in list_attr_celeba: they get no attributes, as if none held"]
    assert by_name(layout)["202599"].attributes == ()


@pytest.mark.parametrize(
    ("name", "told"),
    [("list_eval_partition", "they are on no side of official"), ("identity_CelebA", "they get no identity")],
)
def test_faces_that_a_list_without_a_count_lacks_are_counted(name: str, told: str, tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    path = folder / f"{name}.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert CelebaLayout(folder).notes() == [f"3 faces are not in {name}: {told}"]


def test_a_face_that_a_list_names_twice_is_told(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    path = folder / "identity_CelebA.txt"
    path.write_text(path.read_text() + "000002.jpg 77\n")
    with pytest.raises(ConfigError, match=r"000002\.jpg comes twice"):
        CelebaLayout(folder)


def test_a_missing_image_is_looked_for_where_most_of_them_lie(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS, images=(1, 2, 17))
    images = folder / "img_align_celeba"
    (images / "000002.jpg").rename(images / "000002.JPG")
    assert by_name(CelebaLayout(folder))["000003"].files == (images / "000003.jpg",)


def test_the_png_edition_is_taken(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    place = (folder / "img_align_celeba").rename(folder / "img_align_celeba_png")
    for path in place.iterdir():
        path.rename(path.with_suffix(".png"))
    entry = by_name(CelebaLayout(folder))["000017"]
    assert entry.files == (place / "000017.png",) and entry.identity == celeba_identity(17)


def test_a_folder_without_images_is_told_where_they_were_looked_for(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    with pytest.raises(UsageError, match="give the folder that it lies in"):
        CelebaLayout(folder / "img_align_celeba")
    shutil.rmtree(folder / "img_align_celeba")
    with pytest.raises(UsageError, match=r"no images like 000001\.jpg in .*img_align_celeba") as caught:
        CelebaLayout(folder)
    assert caught.value.where == str(folder)
    with pytest.raises(UsageError, match="no such folder"):
        CelebaLayout(folder / "nowhere")


def test_the_readers_read_both_kinds(tmp_path: Path) -> None:
    for csv in (False, True):
        folder = write_celeba(tmp_path / str(csv), NUMBERS, csv=csv)
        paths = [find_list(folder, name) for name in LISTS]
        assert [path and path.suffix for path in paths] == [".csv" if csv else ".txt"] * 4
        partition, identities, attributes, landmarks = [path for path in paths if path is not None]
        files = [celeba_file(number) for number in NUMBERS]
        assert dict(partition_rows(partition)) == {celeba_file(n): SIDES[n % 3] for n in NUMBERS}
        assert dict(identity_rows(identities)) == {celeba_file(n): celeba_identity(n) for n in NUMBERS}
        names, bits = read_attribute_bits(attributes)
        rows = [(file, held(names, each)) for file, each in bits]
        assert names == CELEBA_ATTRIBUTES
        assert rows == [(celeba_file(n), celeba_attributes(n)) for n in NUMBERS]
        points = dict(read_landmarks(landmarks))
        assert list(points) == files
        assert points["000017.jpg"] == ((67, 110), (107, 111), (88, 135), (70, 150), (105, 152))
    assert find_list(tmp_path, "identity_CelebA") is None


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("list_eval_partition", "000001.jpg 0\n000002.jpg 3\n", "line 2: a row is a file and 0, 1 or 2"),
        ("list_eval_partition", "000001.jpg 0\n000002.jp", "line 2: a row begins with an image's name"),
        ("list_eval_partition", "000001.jpg 0 1\n", "line 1: "),
        ("list_eval_partition", "a.jpg 0\n", "'a.jpg' is no image of CelebA"),
        ("list_eval_partition", "", "no rows in it"),
        ("identity_CelebA", "000001.jpg 2880\n000002.jpg\n", "line 2: a row is a file and one identity"),
        ("list_attr_celeba", "2\nBald Male\n000001.jpg -1 1\n000002.jpg -1\n", "line 4: a row is a file and 2 values"),
        ("list_attr_celeba", "1\nBald Male\n000001.jpg -1 yes\n", "line 3: a row is a file and 2 values"),
        ("list_attr_celeba", "000001.jpg -1 1\n", "line 1: a line that names the columns is missing"),
        ("list_attr_celeba", "1\n" + "x " * 70 + "\n000001.jpg" + " 1" * 70, "70 attributes"),
        ("list_landmarks_align_celeba", "1\na b\n000001.jpg 1 2 3 4 5 6 7 8 9\n", "line 3: a row is a file and ten"),
        ("list_landmarks_align_celeba", "1\na b\n000001.jpg 1 2 3 4 5 6 7 8 9 x\n", "line 3: a row is a file and ten"),
        ("identity_CelebA", "<html>\n<body>\n<p>quota\n", "line 3: a row begins with an image's name"),
    ],
)
def test_damaged_lists_are_told_by_file_and_line(tmp_path: Path, name: str, text: str, fault: str) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    path = folder / f"{name}.txt"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault) as caught:
        CelebaLayout(folder)
    assert caught.value.where == str(path)


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    folder = write_celeba(tmp_path, NUMBERS)
    (folder / "identity_CelebA.txt").write_bytes(b"PK\x03\x04\xff\xfe\x00" * 100)
    with pytest.raises(ConfigError, match=r"identity_CelebA\.txt: no text"):
        CelebaLayout(folder)


def test_memory_is_some_hundred_bytes_a_face_at_most(tmp_path: Path) -> None:
    def held(count: int) -> int:
        folder = write_celeba(tmp_path / str(count), range(1, count + 1), images=(1,))
        return memory_held(lambda: CelebaLayout(folder), count)

    assert held(4000) - held(1000) < 3000 * 200
