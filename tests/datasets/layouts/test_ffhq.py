"""FFHQ's published layout: its forms, its JSON and its splits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import ConfigError, ImageError, InputError, UsageError
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.importing.layout import Entry, Made, MakesFiles
from facesynth.datasets.layouts.ffhq import FfhqLayout
from tests.drawn_field_datasets import (
    CROP_LANDMARKS,
    ffhq_row,
    memory_held,
    wild_landmarks,
    write_ffhq,
    write_ffhq_json,
)


def made(layout: FfhqLayout, output: Path) -> dict[str, Made]:
    return {entry.name: layout.make(entry, output) for entry in layout.entries()}


def by_name(layout: FfhqLayout) -> dict[str, Entry]:
    return {entry.name: entry for entry in layout.entries()}


def test_the_crops_are_taken_with_landmarks_and_digests(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (7, 60_000), parts=("thumbnails", "in-the-wild"))
    write_ffhq(tmp_path, (7, 60_000), size=1024)
    layout = FfhqLayout(folder)
    assert (layout.about.name, len(layout)) == ("ffhq", 2)
    rows = made(layout, tmp_path / "out")
    assert list(rows) == ["00007", "60000"]
    for name, row in rows.items():
        path = folder / "images1024x1024" / f"{name[:2]}000" / f"{name}.png"
        assert row.sample.image == path
        assert row.sample.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert np.array_equal(row.sample.landmarks, CROP_LANDMARKS.points)
        assert not row.written
    assert not (tmp_path / "out").exists()


def test_the_published_split_is_the_json_s_or_goes_by_number(tmp_path: Path) -> None:
    numbers = (0, 59_999, 60_000, 69_999)
    folder = write_ffhq(tmp_path, numbers)
    expected = ["train", "train", "validation", "validation"]
    assert [entry.split["published"] for entry in FfhqLayout(folder).entries()] == expected
    told = folder / "ffhq-dataset-v2.json"
    rows = json.loads(told.read_text())
    rows["0"]["category"] = "validation"
    told.write_text(json.dumps(rows))
    assert by_name(FfhqLayout(folder))["00000"].split["published"] == "validation"
    told.unlink()
    alone = FfhqLayout(folder)
    assert [entry.split["published"] for entry in alone.entries()] == expected
    assert any("no ffhq-dataset-v2.json" in note for note in alone.notes())
    assert not made(alone, tmp_path / "out")["00000"].sample.landmarks


def test_the_paper_s_split_is_a_sample_of_10_000_by_seed(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0,))

    def sides(seed: int, faces: int = 70_000) -> Mapping[str, set[str]]:
        write_ffhq_json(folder, {str(number): {**_BARE, "category": "training"} for number in range(faces)})
        rows: dict[str, set[str]] = {"train": set(), "validation": set()}
        for entry in FfhqLayout(folder, seed=seed).entries():
            if "paper" in entry.split:
                rows[entry.split["paper"]].add(entry.name)
        return rows

    one, other, part = sides(1), sides(2), sides(1, faces=3000)
    assert (len(one["train"]), len(one["validation"])) == (8000, 2000)
    assert not one["train"] & one["validation"]
    # Two samples of a seventh share a seventh.
    shared = (one["train"] | one["validation"]) & (other["train"] | other["validation"])
    assert 1200 < len(shared) < 1700
    # Who is on which side does not depend on what was downloaded.
    assert part == {side: {name for name in names if name < "03000"} for side, names in one.items()}


_BARE: Mapping[str, Any] = {"image": {}, "in_the_wild": {}, "thumbnail": {}}


def test_what_the_json_names_and_is_not_there_is_listed_and_refused(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1, 1000, 1001, 2500))
    images = folder / "images1024x1024"
    (images / "00000" / "00001.png").write_bytes(b"")
    whole = (images / "01000" / "01001.png").read_bytes()
    (images / "01000" / "01001.png").write_bytes(whole[: len(whole) // 2])
    (images / "01000" / "01000.png.tmp.0123456789abcdef").write_bytes(whole[:100])
    (images / "02000" / "02500.png").unlink()
    (images / "02000").rmdir()
    layout = FfhqLayout(folder)
    assert len(layout) == 5
    faults = {}
    for entry in layout.entries():
        try:
            layout.make(entry, tmp_path / "out")
        except InputError as error:
            faults[entry.name] = str(error).removeprefix(f"{entry.files[0]}: ")
    assert faults == {"00001": "the file is empty", "01001": "the file is truncated", "02500": "no image"}
    assert any("68 of 70 sub-folders are not there: 02000, 03000" in note for note in layout.notes())


def test_a_file_of_another_md5_is_refused(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (3, 4))
    images = folder / "images1024x1024" / "00000"
    (images / "00003.png").write_bytes((images / "00004.png").read_bytes())
    layout = FfhqLayout(folder)
    entries = by_name(layout)
    with pytest.raises(ImageError, match=r"00003\.png: its md5 differs"):
        layout.make(entries["00003"], tmp_path / "out")
    layout.make(entries["00004"], tmp_path / "out")


def test_images_that_the_json_does_not_name_come_last(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (1, 2, 65_000))
    write_ffhq_json(folder, {"2": json.loads((folder / "ffhq-dataset-v2.json").read_text())["2"]})
    layout = FfhqLayout(folder)
    assert [entry.name for entry in layout.entries()] == ["00002", "00001", "65000"]
    assert len(layout) == 3
    assert made(layout, tmp_path)["65000"].sample.split["published"] == "validation"


def test_flat_trees_are_taken_and_files_in_the_wrong_place_are_not(tmp_path: Path) -> None:
    nested, flat = tmp_path / "nested", tmp_path / "flat"
    for folder in (nested, flat):
        write_ffhq(folder, (0, 1, 1002), flat=folder == flat)
        (folder / "images1024x1024" / "LICENSE.txt").write_text("…")
    for name in ("cover.png", "123.png"):
        (flat / "images1024x1024" / name).write_bytes(b"x")
    assert [e.name for e in FfhqLayout(nested).entries()] == [e.name for e in FfhqLayout(flat).entries()]
    one, other = (made(FfhqLayout(folder), tmp_path) for folder in (nested, flat))
    assert [row.sample.sha256 for row in one.values()] == [row.sample.sha256 for row in other.values()]
    assert any("2 images with other names" in note for note in FfhqLayout(flat).notes())
    missing = write_ffhq_json(flat, {"5": ffhq_row(5, wild_landmarks(5))})
    assert by_name(FfhqLayout(flat))["00005"].files[0] == flat / "images1024x1024" / "00005.png"
    missing.unlink()
    # The face of a number in another number's sub-folder is none of those that FFHQ has.
    (nested / "images1024x1024" / "00000" / "02000.png").write_bytes(b"x")
    assert any("1 images with other names or in other" in note for note in FfhqLayout(nested).notes())


def test_jpeg_mirrors_are_taken(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1), flat=True, with_json=False, parts=("thumbnails",))
    for path in (folder / "thumbnails128x128").glob("*.png"):
        path.rename(path.with_suffix(".jpg"))
    assert [entry.files[0].name for entry in FfhqLayout(folder).entries()] == ["00000.jpg", "00001.jpg"]


def test_thumbnails_get_the_crop_s_landmarks_at_their_size(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (8,), parts=("thumbnails",), size=128)
    sample = made(FfhqLayout(folder), tmp_path)["00008"].sample
    # The same place of the picture: (x + ½) / width.
    expected = (CROP_LANDMARKS.points + 0.5) / 1024
    assert np.abs((np.array(sample.landmarks) + 0.5) / 128 - expected).max() < 1e-4


def test_which_of_the_forms_is_taken(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1), parts=("thumbnails", "in-the-wild"))
    layout = FfhqLayout(folder)
    assert isinstance(layout, MakesFiles)
    assert (layout.source, layout.folders) == ("in-the-wild", ("faces",))
    assert layout.settings != FfhqLayout(folder, size=512).settings
    thumbnails = FfhqLayout(folder, source="thumbnails")
    assert (thumbnails.source, thumbnails.folders) == ("thumbnails", ())
    (folder / "ffhq-dataset-v2.json").unlink()
    assert FfhqLayout(folder).source == "thumbnails"
    assert any("landmarks for in-the-wild-images" in note for note in FfhqLayout(folder).notes())
    with pytest.raises(UsageError, match=r"ffhq-dataset-v2\.json with the landmarks"):
        FfhqLayout(folder, source="in-the-wild")


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda folder: None, "images1024x1024/ is not there; in-the-wild-images/ is not there; thumbnails128x128/ is"),
        (lambda folder: (folder / "images1024x1024").mkdir(), r"no images like 00000/00000\.png in images1024x1024/"),
        (lambda folder: (folder / "in-the-wild-images").mkdir(), r"ffhq-dataset-v2\.json with the landmarks"),
    ],
)
def test_a_wrong_folder_is_told_what_is_missing(tmp_path: Path, arrange: Any, message: str) -> None:
    arrange(tmp_path)
    with pytest.raises(UsageError, match=message) as caught:
        FfhqLayout(tmp_path)
    assert caught.value.where == str(tmp_path)


def test_the_inner_folder_and_wrong_options_are_refused_with_advice(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0,))
    with pytest.raises(UsageError, match="give the folder that it lies in"):
        FfhqLayout(folder / "images1024x1024")
    with pytest.raises(UsageError, match="no such folder"):
        FfhqLayout(folder / "nowhere")
    with pytest.raises(UsageError, match="thumbnails128x128/ is not there"):
        FfhqLayout(folder, source="thumbnails")
    with pytest.raises(UsageError, match="unknown part 'faces'"):
        FfhqLayout(folder, source="faces")
    with pytest.raises(UsageError, match="size 8"):
        FfhqLayout(folder, size=8)


def test_a_damaged_json_is_named(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1))
    told = folder / "ffhq-dataset-v2.json"
    text = told.read_text()
    for content, message in ((text[:-200], "truncated"), ("<html>quota exceeded</html>", "no JSON"), ("", "no JSON")):
        told.write_text(content)
        with pytest.raises(ConfigError, match=message) as caught:
            FfhqLayout(folder)
        assert caught.value.where == str(told) and "move it away" in str(caught.value)
    rows = json.loads(text)
    for content, message in (
        (text.replace('"metadata"', "metadata", 1), "damaged JSON"),
        (json.dumps({"abc": rows["0"]}), "row 'abc' is damaged"),
        (f"{text} {{}}", "damaged JSON behind '1': more follows than one object"),
        (
            text.replace('{"file_url"', '{"a": ' + "[" * 100_000 + "]" * 100_000 + ', "file_url"', 1),
            "nested too deeply",
        ),
        (text.replace('"photo_url"', '"' + "x" * 3_000_000, 1), "damaged JSON at its beginning"),
    ):
        told.write_text(content)
        with pytest.raises(ConfigError, match=message):
            list(FfhqLayout(folder).entries())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row["image"].update(face_landmarks=None), "its landmarks in ffhq-dataset-v2.json are no list"),
        (lambda row: row["image"]["face_landmarks"][7].append(3), "are no list of pairs"),
        (lambda row: row["image"]["face_landmarks"].append(7), "are no list of pairs"),
        (lambda row: row["image"]["face_landmarks"][7].__setitem__(0, 1e39), "is no number: 1e+39"),
        (lambda row: row["image"]["face_landmarks"][7].__setitem__(1, 10**400), "is no number: 1000"),
        (lambda row: row["image"]["face_landmarks"][7].__setitem__(1, float("nan")), "is no number: NaN"),
        (lambda row: row["image"].update(file_md5=5), "file_md5 in ffhq-dataset-v2.json is no text: 5"),
        (lambda row: row.pop("category"), "its category in ffhq-dataset-v2.json is null, not one of training"),
        (lambda row: row.update(category="other"), "its category in ffhq-dataset-v2.json is 'other'"),
        (lambda row: row.update(category=[]), "its category in ffhq-dataset-v2.json is []"),
        (lambda row: row.pop("image"), "its image in ffhq-dataset-v2.json is null, not an object"),
        (lambda row: row.update(image=[]), "its image in ffhq-dataset-v2.json is [], not an object"),
        (lambda row: row.clear(), "its category in ffhq-dataset-v2.json is null"),
    ],
)
def test_an_odd_row_fails_its_face_alone(change: Callable[[Any], object], reason: str, tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path / "ffhq", (0, 1, 2))
    path = folder / "ffhq-dataset-v2.json"
    rows = json.loads(path.read_text())
    change(rows["1"])
    path.write_text(json.dumps(rows))
    done = import_dataset(FfhqLayout(folder), tmp_path / "out")
    assert (done.count, done.failed, done.failures[0].names) == (2, 1, ("00001",))
    assert reason in done.failures[0].what


def test_a_row_that_is_no_object_fails_its_face_alone(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path / "ffhq", (0, 1))
    path = folder / "ffhq-dataset-v2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"1": None}))
    assert import_dataset(FfhqLayout(folder), tmp_path / "out").failures[0].names == ("00001",)


def test_without_the_landmarks_the_photos_cannot_be_taken_and_no_hint_says_so(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1), parts=("in-the-wild",))
    told = folder / "ffhq-dataset-v2.json"
    text = told.read_text()
    for content in (text[:-200], text.replace('"metadata"', "metadata", 1)):
        told.write_text(content)
        with pytest.raises(ConfigError, match=r"get ffhq-dataset-v2\.json again$"):
            list(FfhqLayout(folder).entries())


def test_a_size_is_refused_where_no_faces_are_made(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0,), parts=("images", "in-the-wild"))
    assert FfhqLayout(folder, size=64, source="in-the-wild").settings.endswith("at 64")
    assert FfhqLayout(folder, source="in-the-wild").settings.endswith("at 1024")
    for source in (None, "images"):
        with pytest.raises(UsageError, match="but the images are taken; they stay as they are"):
            FfhqLayout(folder, size=64, source=source)


def test_memory_does_not_grow_with_the_json(tmp_path: Path) -> None:
    def held(rows: int) -> int:
        folder = write_ffhq(tmp_path / str(rows), (0,))
        write_ffhq_json(folder, {str(number): ffhq_row(number, wild_landmarks(number)) for number in range(rows)})
        return memory_held(lambda: FfhqLayout(folder), rows)

    assert held(500) - held(20) < 100_000  # 480 rows are two megabytes
