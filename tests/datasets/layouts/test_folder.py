from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import InputError, UsageError
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import read_label_map, write_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import sha256_file
from facesynth.datasets.importing.engine import Imported, import_dataset
from facesynth.datasets.layouts.folder import FolderLayout
from facesynth.datasets.manifest import Manifest, Sample
from facesynth.datasets.pairs import open_pairs
from tests.drawn_datasets import write_image
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs", 4, size=32)


def taken(layout: FolderLayout, output: Path) -> tuple[Imported, dict[str, Sample]]:
    done = import_dataset(layout, output)
    return done, {sample.name: sample for sample in Manifest.open(done.manifest)}


def told(done: Imported) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in (*done.failures, *done.warnings)}


def test_pairs_become_rows_and_nothing_is_copied(pairs: Path, tmp_path: Path) -> None:
    done, samples = taken(FolderLayout(pairs), tmp_path / "out")
    assert list(samples) == ["000", "001", "002", "003"]
    assert (done.failed, done.warned, done.notes) == (0, 0, ())
    for name, sample in samples.items():
        assert sample.image.resolve() == pairs / "images" / f"{name}.png"
        assert sample.labels is not None and sample.labels.resolve() == pairs / "labels" / f"{name}.png"
        assert (sample.sha256, sample.labels_sha256) == (sha256_file(sample.image), sha256_file(sample.labels))
    assert not list((tmp_path / "out").rglob("*.png"))
    assert Manifest.open(done.manifest).about.name == "pairs"
    assert [pair.name for pair in open_pairs(done.manifest)] == list(samples)


def test_photos_alone_are_taken_with_their_sub_folders(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.webp", "sub/deep/c.PNG", "sub/a.jpg", ".hidden/d.jpg", ".e.jpg"):
        write_image(tmp_path / "photos" / name, 8)
    (tmp_path / "photos" / "notes.txt").touch()
    (tmp_path / "photos" / "sub" / "loop").symlink_to(tmp_path / "photos", target_is_directory=True)
    done, samples = taken(FolderLayout(tmp_path / "photos"), tmp_path / "photos")
    assert list(samples) == ["a", "b", "sub/a", "sub/deep/c"]
    assert {sample.labels for sample in samples.values()} == {None}
    assert not done.warned and done.count == len(FolderLayout(tmp_path / "photos"))


def test_label_maps_of_any_form_and_schema_are_read(tmp_path: Path) -> None:
    labels = [drawn_labels(seed, 32) for seed in range(3)]
    for index, each in enumerate(labels):
        write_photo(drawn_face(each, index), tmp_path / "faces" / f"{index}.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(labels[0].to_ids("zllrunning")).save(tmp_path / "masks" / "0.png")  # plain ids
    Image.fromarray(labels[1].colours()).save(tmp_path / "masks" / "1.png")
    write_label_map(labels[2], tmp_path / "masks" / "2.png", schema="zllrunning")
    layout = FolderLayout(tmp_path / "faces", labels=tmp_path / "masks", schema="zllrunning")
    done, samples = taken(layout, tmp_path / "out")
    assert not done.failed and not done.warned
    schema = Manifest.open(done.manifest).about.schema
    assert schema == "zllrunning"
    for sample, expected in zip(samples.values(), labels, strict=True):
        assert sample.labels is not None
        assert np.array_equal(read_label_map(sample.labels, schema=schema).ids, expected.ids)
    for pair, expected in zip(open_pairs(done.manifest), labels, strict=True):
        assert np.array_equal(pair.read()[1].ids, expected.ids)


def test_label_maps_are_checked_anew_where_their_order_is_told(pairs: Path, tmp_path: Path) -> None:
    write_label_map(drawn_labels(2, 32), pairs / "labels" / "002.png", schema="zllrunning")
    assert import_dataset(FolderLayout(pairs), tmp_path / "out").failed == 0
    told = FolderLayout(pairs, schema="celebamask-hq")
    assert import_dataset(told, tmp_path / "fresh").failed == import_dataset(told, tmp_path / "out").failed == 1


def test_label_maps_inside_the_folder_of_images_are_no_images(tmp_path: Path) -> None:
    labels = drawn_labels(0, 32)
    write_photo(drawn_face(labels, 0), tmp_path / "faces" / "sub" / "a.png")
    write_label_map(labels, tmp_path / "faces" / "masks" / "sub" / "a.png")
    _, samples = taken(FolderLayout(tmp_path / "faces", labels=tmp_path / "faces" / "masks"), tmp_path / "out")
    assert list(samples) == ["sub/a"] and samples["sub/a"].labels is not None


def test_what_has_no_partner_is_reported(pairs: Path, tmp_path: Path) -> None:
    (pairs / "labels" / "001.png").unlink()
    write_label_map(drawn_labels(9, 32), pairs / "labels" / "lonely.png")
    done, samples = taken(FolderLayout(pairs), tmp_path / "out")
    assert list(samples) == ["000", "001", "002", "003"] and samples["001"].labels is None
    assert told(done) == {"a label map without image": ("lonely.png",), "no label map": ("001",)}
    assert done.failures[0].file == str(pairs / "labels" / "lonely.png")
    assert [pair.name for pair in open_pairs(done.manifest)] == ["000", "002", "003"]


def test_wrong_label_maps_fail_by_file_pixel_and_value(pairs: Path, tmp_path: Path) -> None:
    ids = drawn_labels(0, 32).ids.copy()
    ids[5, 7] = 255
    Image.fromarray(ids).save(pairs / "labels" / "000.png")
    colours = drawn_labels(1, 32).colours()
    colours[2, 3] = (1, 2, 3)
    Image.fromarray(colours).save(pairs / "labels" / "001.png")
    write_label_map(LabelMap(np.zeros((32, 24), dtype=np.uint8)), pairs / "labels" / "002.png")
    (pairs / "images" / "003.png").write_bytes((pairs / "images" / "003.png").read_bytes()[:300])
    done, samples = taken(FolderLayout(pairs), tmp_path / "out")
    assert not samples and done.failed == 4
    by_file = {Path(problem.file or "").relative_to(pairs).as_posix(): problem.what for problem in done.failures}
    assert "pixel (x=7, y=5) holds 255" in by_file["labels/000.png"]
    assert "pixel (x=3, y=2) has the colour (1, 2, 3)" in by_file["labels/001.png"]
    assert by_file["labels/002.png"] == "the label map is 24×32, its image 32×32"
    assert "truncated" in by_file["images/003.png"] or "damaged" in by_file["images/003.png"]


def test_label_maps_may_be_smaller_than_their_image_but_not_of_another_shape(tmp_path: Path) -> None:
    for name, image, labels in (("half", (178, 218), (89, 109)), ("rounded", (178, 218), (128, 157))):
        (tmp_path / "d" / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", image).save(tmp_path / "d" / "images" / f"{name}.jpg")
        write_label_map(LabelMap(np.ones(labels[::-1], dtype=np.uint8)), tmp_path / "d" / "labels" / f"{name}.png")
    done, samples = taken(FolderLayout(tmp_path / "d"), tmp_path / "out")
    assert list(samples) == ["half", "rounded"] and not done.failed


def test_swapped_sides_and_empty_label_maps_are_told(pairs: Path, tmp_path: Path) -> None:
    labels = drawn_labels(2, 32)
    write_label_map(LabelMap(labels.ids[:, ::-1]), pairs / "labels" / "002.png")
    write_label_map(LabelMap(np.zeros((32, 32), dtype=np.uint8)), pairs / "labels" / "003.png")
    done, samples = taken(FolderLayout(pairs), tmp_path / "out")
    assert told(done) == {
        "left and right are swapped in the label map": ("002",),
        "the label map is all background": ("003",),
    }
    assert len(samples) == 4 and done.exit_code == 0


@pytest.mark.parametrize("inner", ["{}/images", "images/{}"])
def test_folders_called_train_and_test_are_sides(inner: str, tmp_path: Path) -> None:
    for side in ("train", "val", "Test"):
        labels = drawn_labels(0, 16)
        place = Path(inner.format(side))
        write_photo(drawn_face(labels, 0), tmp_path / "d" / place / "x.png")
        partner = Path(*("labels" if part == "images" else part for part in place.parts))
        write_label_map(labels, tmp_path / "d" / partner / "x.png")
    _, samples = taken(FolderLayout(tmp_path / "d"), tmp_path / "out")
    assert {name: dict(sample.split) for name, sample in samples.items()} == {
        "train/x": {"folders": "train"},
        "val/x": {"folders": "validation"},
        "Test/x": {"folders": "test"},
    }
    assert all(sample.labels is not None for sample in samples.values())


def test_images_with_one_stem_keep_their_suffix_and_share_no_label_map(pairs: Path, tmp_path: Path) -> None:
    write_image(pairs / "images" / "000.jpg", 32)
    write_label_map(drawn_labels(1, 32), pairs / "labels" / "001.PNG")
    write_image(tmp_path / "photos" / "a.jpg", 8)
    write_image(tmp_path / "photos" / "a.png", 8)
    _, photos = taken(FolderLayout(tmp_path / "photos"), tmp_path / "photos")
    assert sorted(photos) == ["a.jpg", "a.png"]
    done, samples = taken(FolderLayout(pairs), tmp_path / "out")
    assert list(samples) == ["002", "003"]
    assert told(done) == {
        "000.png and 000.jpg share one label map": ("000.png", "000.jpg"),
        "it has several label maps, 001.png and 001.PNG": ("001",),
    }


def test_folders_of_which_nothing_can_be_made_are_refused(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(UsageError, match="no images in it"):
        FolderLayout(tmp_path / "empty")
    with pytest.raises(UsageError, match="no such folder"):
        FolderLayout(pairs, labels=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="unknown label schema 'mine'; use one of: celebamask-hq"):
        FolderLayout(pairs, schema="mine")
    with pytest.raises(UsageError, match=r"no label map has the name of an image: found .*000\.png, and no label maps"):
        FolderLayout(pairs / "images", labels=tmp_path / "empty")
    write_label_map(drawn_labels(0, 8), tmp_path / "masks" / "other.png")
    with pytest.raises(UsageError, match=r"found .*images/000\.png and .*masks/other\.png"):
        FolderLayout(pairs / "images", labels=tmp_path / "masks")


def test_a_folder_of_the_same_name_does_not_replace_a_manifest(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write_image(tmp_path / place / "photos" / f"{place}.png", 8)
    first, second, output = tmp_path / "a" / "photos", tmp_path / "b" / "photos", tmp_path / "out"
    done = import_dataset(FolderLayout(first), output, source=first)
    with pytest.raises(UsageError, match=r"is the manifest of the dataset in .*a/photos"):
        import_dataset(FolderLayout(second), output, source=second)
    assert [sample.name for sample in Manifest.open(done.manifest)] == ["a"]
    assert import_dataset(FolderLayout(first), output, source=first).kept == 1


def test_a_dataset_that_was_moved_with_its_manifest_goes_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old" / "photos", tmp_path / "new" / "photos"
    write_image(old / "x.png", 8)
    import_dataset(FolderLayout(old), old, source=old)
    old.parent.rename(new.parent)
    assert import_dataset(FolderLayout(new), new, source=new).count == 1


def test_pairs_that_are_not_square_are_told(tmp_path: Path) -> None:
    write_image(tmp_path / "d" / "images" / "b.png", 8)
    Image.new("RGB", (64, 48)).save(tmp_path / "d" / "images" / "a.png")
    write_image(tmp_path / "d" / "images" / "c.png", 512)
    for name, shape in (("a", (48, 64)), ("b", (8, 8)), ("c", (512, 510))):
        write_label_map(LabelMap(np.ones(shape, dtype=np.uint8)), tmp_path / "d" / "labels" / f"{name}.png")
    done, _ = taken(FolderLayout(tmp_path / "d"), tmp_path / "out")
    assert told(done) == {"not square: training refuses it": ("a", "c")}
    for pair in open_pairs(done.manifest):
        if pair.name != "b":
            with pytest.raises(InputError, match="square"):
                pair.read()


def test_label_maps_beside_images_are_those_of_images(tmp_path: Path) -> None:
    write_image(tmp_path / "d" / "images" / "a.png", 16)
    write_label_map(drawn_labels(0, 16), tmp_path / "d" / "masks" / "a.png")
    _, samples = taken(FolderLayout(tmp_path / "d", labels=tmp_path / "d" / "masks"), tmp_path / "out")
    assert list(samples) == ["a"] and samples["a"].labels is not None


def test_images_and_label_maps_in_one_folder_are_told_so(tmp_path: Path) -> None:
    write_image(tmp_path / "d" / "a.png", 16)
    (tmp_path / "linked").symlink_to(tmp_path / "d")
    for labels in (tmp_path / "d", tmp_path / "linked"):
        with pytest.raises(UsageError, match="images and label maps are looked for in the same folder"):
            FolderLayout(tmp_path / "d", labels=labels)
    (tmp_path / "images").mkdir()
    with pytest.raises(UsageError, match="in the same folder"):
        FolderLayout(tmp_path, labels=tmp_path / "images")
