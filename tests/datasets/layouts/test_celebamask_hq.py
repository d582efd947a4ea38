from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import STANDARD, Label
from facesynth.core.refs import sha256_file
from facesynth.datasets.importing.engine import Imported, import_dataset
from facesynth.datasets.layouts.celebamask_hq import CelebAMaskHqLayout, spelled_ranges
from facesynth.datasets.manifest import Manifest, Sample
from tests.drawn_datasets import (
    ATTRIBUTES,
    draw_celebamask_hq,
    mask_file,
    part_masks,
    write_celeba_lists,
    write_celebamask_lists,
    write_image,
    write_mask,
)

PAINTED = (
    *("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip"),
    *("hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
"""The list of g_mask.py, to which it adds one."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return draw_celebamask_hq(tmp_path / "CelebAMask-HQ", (0, 1, 2000))


def taken(folder: Path, output: Path) -> tuple[Imported, dict[str, Sample]]:
    done = import_dataset(CelebAMaskHqLayout(folder), output)
    return done, {sample.name: sample for sample in Manifest.open(done.manifest)}


def painted(masks: dict[str, NDArray[np.bool_]]) -> NDArray[Any]:
    """As g_mask.py paints: each part over those before it."""
    ids = np.zeros((512, 512), dtype=np.uint8)
    for index, part in enumerate(PAINTED):
        if part in masks:
            ids[masks[part]] = index + 1
    return ids


def reasons(done: Imported) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in done.failures}


def warned(done: Imported) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in done.warnings}


def test_masks_become_one_label_map_in_the_official_order(source: Path, tmp_path: Path) -> None:
    done, samples = taken(source, tmp_path / "out")
    assert list(samples) == ["0", "1", "2000"] and not done.failed and not done.warned
    for number, sample in zip((0, 1, 2000), samples.values(), strict=True):
        assert sample.labels == tmp_path / "out" / "labels" / f"{number}.png"
        assert np.array_equal(read_label_map(sample.labels).ids, painted(part_masks(number)))
        assert sample.labels_sha256 == sha256_file(sample.labels)
        assert sample.sha256 == sha256_file(source / "CelebA-HQ-img" / f"{number}.jpg")
        assert sample.split == {"index": "train"}
    overlapping = part_masks(0)
    assert (overlapping["neck"] & overlapping["cloth"]).any() and (overlapping["skin"] & overlapping["nose"]).any()
    about = Manifest.open(done.manifest).about
    assert (about.name, about.schema) == ("celebamask-hq", STANDARD)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA"])
def test_masks_of_any_mode_count_where_they_are_not_black(mode: str, source: Path, tmp_path: Path) -> None:
    for part, mask in part_masks(1).items():
        write_mask(mask_file(source, 1, part), mask, mode)
    done, samples = taken(source, tmp_path / "out")
    assert samples["1"].labels is not None and not done.warned
    assert np.array_equal(read_label_map(samples["1"].labels).ids, painted(part_masks(1)))


def test_splits_identities_and_attributes_come_from_the_lists(tmp_path: Path) -> None:
    # One on each side of both borders; the files of CelebA count from 1, the order from 0.
    originals = {0: 162_770, 1: 162_771, 5: 182_637, 28_000: 182_638, 27_999: 5}
    source = draw_celebamask_hq(tmp_path / "source", originals, size=64)
    write_celebamask_lists(source, originals)
    done, samples = taken(source, tmp_path / "out")
    assert {name: dict(sample.split) for name, sample in samples.items()} == {
        "0": {"official": "train", "index": "train"},
        "1": {"official": "validation", "index": "train"},
        "5": {"official": "validation", "index": "train"},
        "27999": {"official": "train", "index": "train"},
        "28000": {"official": "test", "index": "test"},
    }
    assert Manifest.open(done.manifest).about.attributes == ATTRIBUTES
    assert samples["5"].attributes == (ATTRIBUTES[0], ATTRIBUTES[2]) and samples["0"].attributes == ()
    assert {sample.identity for sample in samples.values()} == {None}
    assert done.notes == ("no identity_CelebA.txt (CelebA's): there will be no identities",)

    sides = {"162771.jpg": 1, "162772.jpg": 1, "182638.jpg": 2, "182639.jpg": 2, "000006.jpg": 0, "000007.jpg": 0}
    write_celeba_lists(source / "Anno", sides, {"000006.jpg": 17, "162771.jpg": 2880})
    again, samples = taken(source, tmp_path / "out")
    assert again.kept == 0  # each has a new side
    assert {name: (sample.split["official"], sample.split["celeba"]) for name, sample in samples.items()} == {
        "0": ("train", "validation"),  # one of the two faces at which they differ
        "1": ("validation", "validation"),
        "5": ("validation", "test"),
        "27999": ("train", "train"),
        "28000": ("test", "test"),
    }
    assert {name: sample.identity for name, sample in samples.items() if sample.identity} == {
        "0": "2880",
        "27999": "17",
    }
    assert again.notes == ("3 faces are not in identity_CelebA.txt: they get no identity: 1, 5, 28000",)


def test_a_dataset_that_is_half_there_is_listed_and_the_rest_taken(source: Path, tmp_path: Path) -> None:
    write_celebamask_lists(source, {number: number for number in range(4010)})
    for number in (4001, 2):
        write_image(source / "CelebA-HQ-img" / f"{number}.jpg")  # 4001: its folder of masks is missing
    (source / "CelebAMask-HQ-mask-anno" / "notes").mkdir()
    write_mask(mask_file(source, 4, "skin"), part_masks(4)["skin"])  # a mask, and no image
    done, samples = taken(source, tmp_path / "out")
    assert list(samples) == ["0", "1", "2000"]
    assert reasons(done) == {
        "no mask at all": ("2",),
        "no image": ("4",),
        "no mask at all: the folder 2 is missing": ("4001",),
    }
    assert done.notes[1:] == (
        "CelebAMask-HQ-mask-anno lacks the folders 2",
        "4004 faces of the mapping have neither image nor masks: 3, 5–1999, 2001–4000, 4002–4009",
    )
    assert done.exit_code == 3


def test_damaged_files_fail_alone_by_name(source: Path, tmp_path: Path) -> None:
    image, mask = source / "CelebA-HQ-img" / "0.jpg", mask_file(source, 1, "hair")
    image.write_bytes(image.read_bytes()[:-2000])
    mask.write_bytes(mask.read_bytes()[:200])
    done, samples = taken(source, tmp_path / "out")
    assert list(samples) == ["2000"]
    assert {(problem.what, problem.file) for problem in done.failures} <= {
        ("the file is truncated", str(image)),
        ("the file is truncated", str(mask)),
        *((problem.what, str(mask)) for problem in done.failures if "damaged" in problem.what),
    }
    assert done.failed == 2
    assert sorted(path.name for path in (tmp_path / "out" / "labels").glob("*.png")) == ["2000.png"]


def test_missing_and_empty_masks_are_told(source: Path, tmp_path: Path) -> None:
    for part in ("nose", "l_eye", "r_eye"):
        mask_file(source, 0, part).unlink()
    write_mask(mask_file(source, 1, "cloth"), np.zeros((512, 512), dtype=np.bool_))
    for part in part_masks(2000):
        write_mask(mask_file(source, 2000, part), np.zeros((512, 512), dtype=np.bool_))
    done, samples = taken(source, tmp_path / "out")
    assert warned(done) == {
        "no mask of the nose": ("0",),
        "no mask of an eye, nor of eyeglasses": ("0",),
        "the mask of the cloth is empty": ("1",),
    }
    assert reasons(done) == {"all its masks are empty": ("2000",)}
    assert samples["1"].labels is not None
    assert not (read_label_map(samples["1"].labels).ids == Label.CLOTH).any()


def test_masks_of_another_size_are_scaled_and_others_refused(source: Path, tmp_path: Path) -> None:
    for part, mask in part_masks(0, 1024).items():
        write_mask(mask_file(source, 0, part), mask)
    write_mask(mask_file(source, 1, "skin"), np.ones((512, 256), dtype=np.bool_))
    done, samples = taken(source, tmp_path / "out")
    assert warned(done) == {"masks of 1024×1024 were scaled to 512×512": ("0",)}
    assert reasons(done) == {"the mask is 256×512, masks are square": ("1",)}
    assert samples["0"].labels is not None
    agreeing = read_label_map(samples["0"].labels).ids == painted(part_masks(0))
    assert agreeing.mean() > 0.99


def test_mirrored_faces_and_faces_that_users_reported_are_told(tmp_path: Path) -> None:
    source = draw_celebamask_hq(tmp_path / "source", (3, 404, 235), size=64)
    for part, mask in part_masks(3).items():
        write_mask(mask_file(source, 3, part), mask[:, ::-1])
    done, _ = taken(source, tmp_path / "out")
    assert warned(done) == {
        "the image is 64×64, published are 1024×1024": ("3", "235", "404"),
        "left and right are swapped in the masks": ("3",),
        "reported by users: the same photo as the neighbouring number's (thread 84)": ("235",),
        "reported by users: mouth and lips have no mask (thread 84)": ("404",),
    }


@pytest.mark.parametrize("inside", ["", "CelebAMask-HQ"])
def test_the_folder_above_and_the_misspelt_name_are_taken(inside: str, tmp_path: Path) -> None:
    draw_celebamask_hq(tmp_path / "data" / inside, (7,), masks="CelebAMaskHQ-mask-anno")
    done, samples = taken(tmp_path / "data", tmp_path / "out")
    assert list(samples) == ["7"] and not done.failed


def test_a_wrong_folder_says_what_is_missing_and_what_is_there(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "photos").mkdir(parents=True)
    (other / "list.txt").touch()
    with pytest.raises(UsageError) as caught:
        CelebAMaskHqLayout(other)
    assert caught.value.what == (
        "not CelebAMask-HQ: CelebA-HQ-img/ (the images) and CelebAMask-HQ-mask-anno/ (the masks) missing,"
        " found list.txt, photos/"
    )
    for inner in ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno/0"):
        with pytest.raises(UsageError, match="give the folder above it") as caught:
            CelebAMaskHqLayout(source / inner)
        assert caught.value.hint is not None and caught.value.hint.endswith(str(source))
    (source / "CelebA-HQ-img").rename(source / "images")
    with pytest.raises(UsageError, match=r"not CelebAMask-HQ: CelebA-HQ-img/ \(the images\) missing, found Celeb"):
        CelebAMaskHqLayout(source)
    with pytest.raises(UsageError, match="no such folder"):
        CelebAMaskHqLayout(tmp_path / "nowhere")


def test_a_damaged_list_is_named_with_its_line(source: Path) -> None:
    write_celebamask_lists(source, {0: 1, 1: 2})
    mapping = source / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text(mapping.read_text()[:-14])
    with pytest.raises(ConfigError, match="line 3: a row is two numbers and a file"):
        CelebAMaskHqLayout(source)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1  162771      16", "a row is two numbers and a file, this one '1  162771      16'"),
        ("1  2  000003", "a row is two numbers"),
        ("1  2  000003.jp", "a row is two numbers"),
        ("1  2  3.jpg", "a row is two numbers"),
        ("x  2  000003.jpg", "a row is two numbers"),
        ("0  2  000003.jpg", "0 comes twice"),
        ("1  1  000002.jpg", "000002.jpg comes twice"),
    ],
)
def test_a_wrong_row_of_the_mapping_is_told(row: str, fault: str, source: Path) -> None:
    write_celebamask_lists(source, {0: 1})
    mapping = source / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text(mapping.read_text() + row)
    with pytest.raises(ConfigError, match=f"line 3: {fault}") as caught:
        CelebAMaskHqLayout(source)
    assert caught.value.where == str(mapping)
    mapping.write_text("idx orig_idx orig_file\n")
    with pytest.raises(ConfigError, match="no rows in it"):
        CelebAMaskHqLayout(source)


def test_lists_that_end_too_soon_leave_no_face_out_in_silence(source: Path, tmp_path: Path) -> None:
    write_celebamask_lists(source, {0: 1, 2000: 2})
    write_celeba_lists(source, {"000002.jpg": 0}, {"000003.jpg": 7})
    notes = CelebAMaskHqLayout(source).notes()
    assert [note.partition(": ")[0] + note[note.rindex(": ") :] for note in notes] == [
        "1 faces are not in CelebAMask-HQ-attribute-anno.txt: 1",
        "1 faces are not in CelebA-HQ-to-CelebA-mapping.txt: 1",
        "1 faces are not in list_eval_partition.txt: 2000",
        "1 faces are not in identity_CelebA.txt: 0",
    ]
    attributes = source / "CelebAMask-HQ-attribute-anno.txt"
    attributes.write_text("".join(attributes.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(ConfigError, match="its first line counts 2 rows, there are 1"):
        CelebAMaskHqLayout(source)


def test_the_source_is_never_changed_and_its_own_labels_are_refused(source: Path) -> None:
    (source / "labels").mkdir()
    (source / "labels" / "0.png").write_text("mine")
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="no import made it"):
        import_dataset(CelebAMaskHqLayout(source), source)
    (source / "labels" / "0.png").unlink()
    (source / "labels").rmdir()
    before.pop(source / "labels" / "0.png")
    for kept in (0, 3):
        done = import_dataset(CelebAMaskHqLayout(source), source)
        assert (done.count, done.kept) == (3, kept)
        assert {path: path.read_bytes() for path in before} == before
        assert next(iter(Manifest.open(done.manifest))).image == source / "CelebA-HQ-img" / "0.jpg"


def test_faces_that_the_list_of_attributes_lacks_are_counted(source: Path, tmp_path: Path) -> None:
    write_celebamask_lists(source, {0: 1})
    (source / "CelebA-HQ-to-CelebA-mapping.txt").unlink()
    done, samples = taken(source, tmp_path / "out")
    told = "2 faces are not in CelebAMask-HQ-attribute-anno.txt: they get no attributes, as if none held: 1, 2000"
    assert told in done.notes and samples["2000"].attributes == ()


def test_the_label_map_of_version_1(source: Path, tmp_path: Path) -> None:
    _, samples = taken(source, tmp_path / "out")
    labels = samples["0"].labels
    assert labels is not None and CelebAMaskHqLayout.version == 1
    digest = hashlib.sha256(read_label_map(labels).ids.tobytes()).hexdigest()
    assert digest.startswith("464cc92823c6effb"), "the label map changed: raise the layout's version"


def test_ranges_are_spelled() -> None:
    assert spelled_ranges([3, 7, 8, 9]) == "3, 7–9"
    assert spelled_ranges(range(0, 20, 2)) == "0, 2, 4, 6, 8 and 5 more ranges"
