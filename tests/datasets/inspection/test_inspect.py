"""Inspecting a dataset: what is counted, what is found to be wrong, and that memory does not grow with it."""

from __future__ import annotations

import hashlib
import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click import unstyle
from PIL import Image

from facesynth.cli.dataset.inspect_table import table
from facesynth.core.errors import ConfigError, LabelMapError, UsageError
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import read_label_map, write_label_map
from facesynth.core.labels import LABEL_NAMES, Label, LabelMap
from facesynth.datasets.ahead import AHEAD
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.inspection.document import inspection_json
from facesynth.datasets.inspection.inspect import Inspection, inspect_dataset
from facesynth.datasets.inspection.page import inspection_page
from facesynth.datasets.inspection.target import open_target
from facesynth.datasets.layouts.folder import FolderLayout
from facesynth.datasets.left_right import sides_swapped
from facesynth.datasets.manifest import IMPORT_AGAIN, Description, Manifest, Sample, write_manifest
from facesynth.datasets.pairs import find_pairs
from tests.drawn_faces import textured_photo
from tests.drawn_pairs import drawn_labels

SIZE = 64


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fill(folder: Path, count: int) -> Path:
    """Pairs of unlike photos with drawn label maps, 000 to so many."""
    for seed in range(count):
        write_photo(textured_photo(SIZE, SIZE, seed), folder / "images" / f"{seed:03}.png")
        write_label_map(drawn_labels(seed, SIZE), folder / "labels" / f"{seed:03}.png")
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return fill(tmp_path / "pairs", 6)


def inspected(path: Path, split: str | None = None, **options: Any) -> Inspection:
    return inspect_dataset(open_target(path, split=split), **options)


def faults(found: Inspection) -> list[tuple[str, str, str]]:
    return [(fault.kind, fault.file.name, fault.what) for fault in found.faults]


def write_dataset(folder: Path, rows: list[dict[str, Any]], **about: Any) -> Path:
    """A manifest of the pairs in `folder`, by number, each row with more that is known of it."""
    samples = []
    for number, more in enumerate(rows):
        image, labels = (folder / kind / f"{number:03}.png" for kind in ("images", "labels"))
        files = {"image": image, "sha256": sha256(image), "labels": labels, "labels_sha256": sha256(labels)}
        samples.append(Sample(**{"name": f"{number:03}", **files, **more}))
    manifest = folder.parent / "set" / "dataset.jsonl"
    write_manifest(manifest, Description(**{"name": "drawn", **about}), samples)
    return manifest


def test_whole_pairs_are_counted_and_nothing_is_wrong(pairs: Path) -> None:
    found = inspected(pairs)
    assert (found.kind, found.name, found.images, found.label_maps, found.pairs) == ("pairs", "pairs", 6, 6, 6)
    assert found.sizes == (((SIZE, SIZE), 6),) == found.label_sizes
    assert found.faults == () and found.duplicates == () and found.exit_code == 0
    assert [example.name for example in found.strip] == [f"{number:03}" for number in range(6)]


def test_classes_are_what_the_label_maps_hold(pairs: Path) -> None:
    hat = LabelMap(np.full((SIZE, SIZE), Label.HAT, np.uint8))
    write_label_map(hat, pairs / "labels" / "004.png")
    maps = [read_label_map(path) for path in sorted((pairs / "labels").iterdir())]
    pixels = np.sum([labels.frequencies() for labels in maps], axis=0)
    found = inspected(pairs)
    assert [use.name for use in found.classes] == list(LABEL_NAMES)
    assert [use.pixels for use in found.classes] == pixels.tolist()
    assert sum(use.pixel_share for use in found.classes) == pytest.approx(1)
    worn = found.classes[Label.HAT]
    assert worn.faces == 1 and worn.face_share == pytest.approx(1 / 6)
    assert [example.name for example in worn.examples] == ["004"]
    assert found.classes[Label.EYE_G].faces == 0 and found.classes[Label.EYE_G].examples == ()


def test_photos_alone_are_counted_by_size(tmp_path: Path) -> None:
    write_photo(textured_photo(64, 48, 1), tmp_path / "a" / "one.png")
    write_photo(textured_photo(64, 48, 2), tmp_path / "b" / "one.png")
    write_photo(textured_photo(32, 32, 3), tmp_path / "two.png")
    (tmp_path / "a" / ".hidden.png").write_bytes(b"")
    found = inspected(tmp_path)
    assert (found.kind, found.images, found.label_maps, found.classes) == ("photos", 3, 0, ())
    assert found.sizes == (((64, 48), 2), ((32, 32), 1)) and found.not_square == 2
    assert found.exit_code == 0


def test_every_fault_of_a_file_is_named(pairs: Path) -> None:
    images, labels = pairs / "images", pairs / "labels"
    (images / "000.png").write_bytes((images / "000.png").read_bytes()[:900])
    ids = np.zeros((SIZE, SIZE), np.uint8)
    ids[5, 9] = 77
    Image.fromarray(ids).save(labels / "001.png")
    Image.fromarray(read_label_map(labels / "002.png").ids[:40]).save(labels / "002.png")
    write_label_map(LabelMap(np.zeros((SIZE, SIZE), np.uint8)), labels / "003.png")
    write_label_map(LabelMap(drawn_labels(4, SIZE).ids[:, ::-1]), labels / "004.png")
    (labels / "005.png").unlink()
    (images / "006.jpg").write_bytes(b"no image")
    write_label_map(drawn_labels(7, SIZE), labels / "007.png")
    shutil.copy(images / "001.png", images / "001.webp")
    found = inspected(pairs)
    assert faults(found) == [
        ("same_name", "001.webp", "another file has this name with another suffix; it is left out"),
        ("unreadable", "000.png", "the file is truncated"),
        (
            "wrong_labels",
            "001.png",
            "pixel (x=9, y=5) holds 77, labels are 0 to 18; if 255 marks foreground or 'ignore', convert the map first",
        ),
        ("other_shape", "002.png", "64×40, its image is 64×64"),
        ("nothing_labelled", "003.png", "every pixel is background"),
        (
            "sides_swapped",
            "004.png",
            "the subject's left eye, brow or ear lies to the left of the right one; exchange l_ and r_ in it",
        ),
        ("no_labels", "005.png", "no label map has its name"),
        ("unreadable", "006.jpg", "not an image in a format that facesynth reads"),
        ("no_labels", "006.jpg", "no label map has its name"),
        ("no_image", "007.png", "no image has its name"),
    ]
    assert found.exit_code == 3
    assert (found.images, found.label_maps, found.pairs) == (5, 5, 3)
    assert list(found.faults_by_kind())[:2] == ["unreadable", "wrong_labels"]
    assert found.faults[3].image == images / "002.png"


def test_a_smaller_label_map_of_the_same_shape_is_no_fault(pairs: Path) -> None:
    write_label_map(drawn_labels(2, 32), pairs / "labels" / "002.png")
    found = inspected(pairs)
    assert found.scaled == 1 and found.faults == ()
    assert found.label_sizes == (((SIZE, SIZE), 5), ((32, 32), 1))


def test_a_manifest_tells_sides_persons_and_changed_files(pairs: Path) -> None:
    sides = ["train", "train", "train", "validation", "test"]
    rows: list[dict[str, Any]] = [{"split": {"own": side}} for side in sides]
    rows[0] |= {"identity": "p", "split": {"own": "train", "other": "test"}}
    rows[1] |= {"identity": "p"}
    rows[2] |= {"identity": "q"}
    rows[3] |= {"identity": "q"}
    manifest = write_dataset(pairs, [*rows, {"labels": None, "labels_sha256": None}])
    write_photo(textured_photo(SIZE, SIZE, 99), pairs / "images" / "004.png")
    found = inspected(manifest.parent)
    assert (found.kind, found.name, found.identities, found.pairs) == ("manifest", "drawn", 2, 5)
    assert faults(found) == [
        ("changed", "004.png", "its bytes are not those that were imported; " + IMPORT_AGAIN),
        ("no_labels", "005.png", "it has no label map, other faces have one"),
    ]
    other, own = found.divisions
    assert {name: side.images for name, side in own.sides.items()} == {"train": 3, "validation": 1, "test": 1}
    assert list(own.sides) == ["train", "validation", "test"]
    assert (own.outside, own.shared_identities) == (1, 1)
    assert (other.name, other.outside, other.shared_identities) == ("other", 5, 0)
    assert own.sides["test"].faces_with[Label.SKIN] == 1
    assert [division.name for division in inspected(manifest, "own").divisions] == ["own"]


def test_a_side_that_nobody_takes_is_told_everywhere(pairs: Path) -> None:
    found = inspected(write_dataset(pairs, [{"split": {"own": side}} for side in ("train", "nowhere", "test")]))
    assert found.divisions[0].unknown_sides == ("nowhere",)
    told = "'nowhere' is no side: train, validation and test are"
    assert told in unstyle("\n".join(table(found)))
    assert html.unescape(inspection_page(found)).count(told) == 1
    assert json.loads(inspection_json(found))["splits"][0]["unknown_sides"] == ["nowhere"]


def test_what_was_wrong_before_an_import_is_wrong_after_it(pairs: Path) -> None:
    (pairs / "labels" / "001.png").unlink()
    (pairs / "images" / "004.png").unlink()
    before = inspected(pairs)
    assert [(kind, name) for kind, name, _ in faults(before)] == [("no_labels", "001.png"), ("no_image", "004.png")]
    done = import_dataset(FolderLayout(pairs), pairs.parent / "out")
    after = inspected(pairs.parent / "out")
    assert faults(after) == [
        ("left_out", "004.png", "a label map without image"),
        ("no_labels", "001.png", "it has no label map, other faces have one"),
    ]
    assert before.exit_code == after.exit_code == 3
    assert {problem["kind"] for problem in json.loads(inspection_json(after))["problems"]} == {"left_out", "no_labels"}
    for report in ("damaged", json.dumps(json.loads(done.report.read_text()) | {"faces": 9})):  # of another import
        done.report.write_text(report)
        assert [kind for kind, _, _ in faults(inspected(done.manifest))] == ["no_labels"]


def test_faces_without_label_maps_are_no_fault_where_none_has_one(pairs: Path) -> None:
    import_dataset(FolderLayout(pairs / "images"), pairs.parent / "out")
    found = inspected(pairs.parent / "out")
    assert (found.images, found.faults, found.exit_code) == (6, (), 0)


def test_a_label_map_that_training_refuses_is_told(pairs: Path) -> None:
    write_photo(textured_photo(512, 512, 1), pairs / "images" / "001.png")
    write_label_map(LabelMap(drawn_labels(1, 512).ids[:, :510]), pairs / "labels" / "001.png")
    assert faults(inspected(pairs)) == [("other_shape", "001.png", "510×512, its image is 512×512")]
    with pytest.raises(LabelMapError, match="510×512"):
        find_pairs(pairs)[1].read()


def test_a_manifest_is_read_through_once_where_nothing_is_twice(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_dataset(pairs, [{"split": {"own": "train"}}] * 6)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"train": ["000", "001"], "validation": ["gone"]}))
    through, rows = Manifest.__iter__, 0

    def counted(self: Manifest) -> Iterator[Sample]:
        nonlocal rows
        for sample in through(self):
            rows += 1
            yield sample

    monkeypatch.setattr(Manifest, "__iter__", counted)
    (division,) = inspected(manifest, str(file)).divisions
    assert rows == 6 and division.missing == 1


def test_label_maps_in_another_order_are_read_in_it(pairs: Path) -> None:
    for path in (pairs / "labels").iterdir():
        Image.fromarray(read_label_map(path).to_ids("zllrunning")).save(path)
    found = inspect_dataset(open_target(pairs, schema="zllrunning"))
    assert found.faults == () and found.classes[Label.HAIR].faces == 6 and found.classes[Label.CLOTH].faces == 6
    with pytest.raises(UsageError, match="unknown label schema"):
        open_target(pairs, schema="mine")
    with pytest.raises(UsageError, match="the manifest itself says the order of ids"):
        open_target(write_dataset(pairs, [{}] * 6), schema="zllrunning")


def test_a_manifest_in_another_order_of_ids_is_read_in_it(pairs: Path) -> None:
    for path in (pairs / "labels").iterdir():
        labels = read_label_map(path)
        Image.fromarray(labels.to_ids("zllrunning")).save(path)
    found = inspected(write_dataset(pairs, [{}] * 6, schema="zllrunning"))
    assert found.faults == () and found.classes[Label.HAIR].faces == 6 and found.classes[Label.CLOTH].faces == 6


def test_a_split_file_counts_alone_and_its_strangers_are_counted(pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"train": ["000", "001", "gone"], "validation": ["002"]}))
    (division,) = inspected(pairs, str(file)).divisions
    assert {name: side.pairs for name, side in division.sides.items()} == {"train": 2, "validation": 1}
    assert (division.name, division.outside, division.missing) == ("mine", 3, 1)
    file.write_text(json.dumps({"train": ["x"], "validation": ["y"]}))
    (division,) = inspected(pairs, str(file)).divisions
    assert (division.sides, division.missing) == ({}, 2)


def test_duplicates_across_sides_come_first(pairs: Path) -> None:
    rows: list[dict[str, Any]] = [{"split": {"own": "train"}} for _ in range(5)] + [{"split": {"own": "test"}}]
    images = pairs / "images"
    shutil.copy(images / "000.png", images / "001.png")
    write_photo(textured_photo(SIZE, SIZE, 2).flip().resized(48, 48), images / "005.png")
    found = inspected(write_dataset(pairs, rows))
    assert found.duplicates is not None
    assert [[copy.name for copy in group.copies] for group in found.duplicates] == [["002", "005"], ["000", "001"]]
    mirrored, same = found.duplicates
    assert (mirrored.relation, mirrored.across, same.relation, same.across) == ("mirrored", ("own",), "same file", ())
    assert mirrored.copies[1].image.name == "005.png" and mirrored.copies[0].relation is None
    assert found.leaks("own") == 1 and found.exit_code == 0


def test_without_a_search_nothing_is_said_of_duplicates(pairs: Path) -> None:
    shutil.copy(pairs / "images" / "000.png", pairs / "images" / "001.png")
    found = inspected(pairs, duplicates=False)
    assert found.duplicates is None and json.loads(inspection_json(found))["duplicates"] is None


def test_what_is_found_does_not_depend_on_the_number_of_workers(pairs: Path) -> None:
    (pairs / "images" / "003.png").write_bytes(b"")
    shutil.copy(pairs / "images" / "000.png", pairs / "images" / "004.png")
    one, many = (json.loads(inspection_json(inspected(pairs, workers=workers))) for workers in (1, 5))
    assert one | {"seconds": 0} == many | {"seconds": 0}


def test_few_faces_are_under_way_at_once(pairs: Path) -> None:
    opened = open_target(fill(pairs, 20))
    handed = done = most = 0

    class Watched:
        """The target, counting what was handed out and is not done."""

        def __getattr__(self, name: str) -> Any:
            return getattr(opened, name)

        def __iter__(self) -> Iterator[Any]:
            nonlocal handed, most
            for row in opened:
                handed += 1
                most = max(most, handed - done)
                yield row

    def count() -> None:
        nonlocal done
        done += 1

    found = inspect_dataset(Watched(), workers=2, duplicates=False, on_row=count)  # type: ignore[arg-type]
    assert (found.images, done, most) == (20, 20, 2 * AHEAD)


def test_the_json_document_holds_everything(pairs: Path) -> None:
    shutil.copy(pairs / "images" / "000.png", pairs / "images" / "001.png")
    (pairs / "labels" / "005.png").unlink()
    document = json.loads(inspection_json(inspected(write_split_set(pairs))))
    assert document["format"] == "facesynth-inspection-1"
    assert document["counts"] == {
        "images": 6, "label_maps": 5, "pairs": 5, "identities": 0, "problems": 1, "not_square": 0,
        "label_maps_of_another_size": 0,
    }  # fmt: skip
    assert document["sizes"]["images"] == [{"width": SIZE, "height": SIZE, "count": 6}]
    assert [use["id"] for use in document["classes"]] == list(range(19))
    (problem,) = document["problems"]
    assert problem["kind"] == "unreadable" and problem["file"].endswith("labels/005.png")
    (group,) = document["duplicates"]["groups"]
    assert group["across"] == ["own"]
    assert [copy["split"] for copy in group["copies"]] == [{"own": "train"}, {"own": "test"}]
    assert document["splits"][0]["duplicates_across_sides"] == 1
    assert document["splits"][0]["sides"]["test"]["faces_with"]["skin"] == 1


def write_split_set(pairs: Path) -> Path:
    """The pairs as a manifest, 001 in test, the others in train; label maps that are gone are listed all the same."""
    samples = []
    for number in range(6):
        image, labels = (pairs / kind / f"{number:03}.png" for kind in ("images", "labels"))
        told = sha256(labels) if labels.exists() else "0" * 64
        samples.append(
            Sample(
                name=f"{number:03}", image=image, sha256=sha256(image), labels=labels, labels_sha256=told,
                split={"own": "test" if number == 1 else "train"},
            )
        )  # fmt: skip
    write_manifest(pairs.parent / "dataset.jsonl", Description(name="drawn"), samples)
    return pairs.parent / "dataset.jsonl"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([], "no images in it, and no dataset.jsonl"),
        (["labels"], "labels/ is there, images/ is not"),
        (["CelebAMask-HQ-mask-anno", "CelebA-HQ-img"], "facesynth dataset import celebamask-hq"),
    ],
)
def test_a_folder_that_is_no_dataset_says_what_is_missing(tmp_path: Path, made: list[str], said: str) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=said):
        open_target(tmp_path)


def test_other_files_and_unknown_splits_are_refused(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        open_target(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="not a dataset's manifest"):
        open_target(pairs / "images" / "000.png")
    with pytest.raises(UsageError, match=r"no split named official.* no splits of its own"):
        open_target(pairs, split="official")
    manifest = write_dataset(pairs, [{"split": {"own": "train"}}] * 6)
    with pytest.raises(UsageError, match="it has: own"):
        open_target(manifest, split="official")


def test_swapped_sides_are_told_by_eyes_else_brows_else_ears() -> None:
    labels = drawn_labels(0)
    assert not sides_swapped(labels) and not sides_swapped(labels.flip())
    assert sides_swapped(LabelMap(labels.ids[:, ::-1]))
    ids = labels.ids.copy()
    ids[ids == Label.L_EYE] = Label.EYE_G  # one eye alone tells nothing; the brows do
    assert not sides_swapped(LabelMap(ids)) and sides_swapped(LabelMap(ids[:, ::-1]))
    ids[np.isin(ids, [Label.L_BROW, Label.R_BROW])] = Label.SKIN
    assert not sides_swapped(LabelMap(ids)) and not sides_swapped(LabelMap(ids[:, ::-1]))
