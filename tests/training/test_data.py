"""Which pairs train and which are held out, from folders, manifests, split files and a dataset's own divisions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import ConfigError, UsageError
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.label_files import write_label_map
from facesynth.datasets.manifest import Description, Manifest, Sample, write_manifest
from facesynth.datasets.packed import identify
from facesynth.training.data import chosen_pairs
from facesynth.training.runs.settings import Data
from tests.drawn_pairs import drawn_labels, write_pairs
from tests.training.parser.test_unlabelled import picture

SIDES = {"official": ("train", "train", "train", "validation", "test", "test"), "index": ("train",) * 4 + ("test",) * 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs, and a manifest of them and of one photo without labels."""
    folder = write_pairs(tmp_path_factory.mktemp("pairs"), 6)
    names = [f"{index:03d}" for index in range(6)]
    rows = [
        Sample(
            name=name,
            image=folder / "images" / f"{name}.png",
            sha256=_sha256(folder / "images" / f"{name}.png"),
            labels=folder / "labels" / f"{name}.png",
            labels_sha256=_sha256(folder / "labels" / f"{name}.png"),
            split={division: sides[index] for division, sides in SIDES.items()},
        )
        for index, name in enumerate(names)
    ]
    rows.append(Sample(name="photo", image=folder / "images" / "000.png", sha256=rows[0].sha256))
    write_manifest(folder / "dataset.jsonl", Description(name="drawn"), rows)
    return folder


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(data: Data, base: Path) -> tuple[list[str], list[str]]:
    train, held_out = chosen_pairs(data, base, seed=0)
    return [pair.name for pair in train], [pair.name for pair in held_out.pairs]


def test_a_manifest_stands_for_its_pairs(folder: Path, tmp_path: Path) -> None:
    everybody = [f"{index:03d}" for index in range(6)]
    assert names(Data(folder="dataset.jsonl"), folder) == (everybody, [])
    elsewhere = tmp_path / "dataset.jsonl"  # a folder that holds a manifest, but no images/, stands for it
    write_manifest(elsewhere, Description(name="drawn"), Manifest.open(folder / "dataset.jsonl"))
    assert names(Data(folder=str(tmp_path)), folder) == (everybody, [])


def test_a_dataset_s_own_divisions(folder: Path) -> None:
    source = str(folder / "dataset.jsonl")
    assert names(Data(folder=source, split="official"), folder) == (["000", "001", "002"], ["003"])
    assert names(Data(folder=source, split="index"), folder) == (["000", "001", "002", "003"], ["004", "005"])
    with pytest.raises(
        ConfigError,
        match=r"no division 'oficial', and there is no file .*; .* one of: index, official",
    ):
        chosen_pairs(Data(folder=source, split="oficial"), folder, seed=0)


def test_the_test_side_may_not_train_by_a_side_door(folder: Path) -> None:
    data = Data(folder=str(folder / "dataset.jsonl"), split="official", extra=(str(folder),))
    with pytest.raises(ConfigError, match="held out by the split"):
        chosen_pairs(data, folder, seed=0)


def test_limits_are_drawn_by_the_seed(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["000", "001"], "validation": ["002", "003", "004", "005"]}))
    data = Data(folder=str(folder), split=str(split), limit=1, judged=2)
    drawn = {tuple(map(tuple, names_at(data, folder, seed))) for seed in range(12)}
    assert all(len(train) == 1 and len(judged) == 2 for train, judged in drawn)
    assert len(drawn) > 2
    assert names_at(data, folder, 5) == names_at(data, folder, 5)


def names_at(data: Data, base: Path, seed: int) -> tuple[list[str], list[str]]:
    train, held_out = chosen_pairs(data, base, seed)
    return [pair.name for pair in train], [pair.name for pair in held_out.pairs]


def test_the_digest_follows_the_bytes_of_a_manifest(folder: Path, tmp_path: Path) -> None:
    train, _ = chosen_pairs(Data(folder=str(folder / "dataset.jsonl")), folder, seed=0)
    before = identify(train).digest
    assert identify(train).digest == before
    lines = (folder / "dataset.jsonl").read_text().splitlines()
    row = json.loads(lines[1])
    row["labels_sha256"] = "0" * 64
    row["image"], row["labels"] = str(folder / row["image"]), str(folder / row["labels"])
    changed = tmp_path / "other.jsonl"
    changed.write_text("\n".join([lines[0], json.dumps(row), *lines[2:]]) + "\n")
    other, _ = chosen_pairs(Data(folder=str(changed)), folder, seed=0)
    assert identify(other).digest != before


def test_nothing_to_train_on(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no training data named"):
        chosen_pairs(Data(), folder, seed=0)
    (tmp_path / "split.json").write_text(json.dumps({"train": ["nobody"], "validation": []}))
    with pytest.raises(ConfigError, match="none of the pairs"):
        chosen_pairs(Data(folder=str(folder), split=str(tmp_path / "split.json")), folder, seed=0)


def test_photos_without_label_maps_are_nothing_to_train_on(folder: Path, tmp_path: Path) -> None:
    photo = Sample(name="a", image=folder / "images" / "000.png", sha256="0" * 64, split={"official": "train"})
    write_manifest(tmp_path / "dataset.jsonl", Description(name="photos"), [photo])
    for split in (None, "official"):
        with pytest.raises(ConfigError, match="none of its faces has a label map"):
            chosen_pairs(Data(folder=str(tmp_path), split=split), folder, seed=0)


def test_held_out_pairs_are_read_in_groups(folder: Path) -> None:
    _, held_out = chosen_pairs(Data(folder="dataset.jsonl", split="index", judged=None), folder, seed=0)
    assert [len(group) for group in held_out.groups(1)] == [1, 1]
    face, labels = next(held_out.groups())[0]
    assert face.size == (labels.width, labels.height) == (64, 64)


def test_a_split_of_another_dataset_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps({"train": ["000", "x"], "validation": ["y", "z"]}))
    with pytest.raises(ConfigError, match="none of the faces that it holds out"):
        chosen_pairs(Data(folder=str(folder), split=str(tmp_path / "split.json")), folder, seed=0)


@pytest.mark.parametrize("with_manifest", [True, False])
def test_held_out_images_may_not_train_under_other_names(folder: Path, tmp_path: Path, with_manifest: bool) -> None:
    for kind in ("images", "labels"):
        (tmp_path / "extra" / kind).mkdir(parents=True)
        (tmp_path / "extra" / kind / "somebody.png").write_bytes((folder / kind / "004.png").read_bytes())
    source = folder / "dataset.jsonl" if with_manifest else tmp_path / "pairs"
    if not with_manifest:
        shutil.copytree(folder, source, ignore=shutil.ignore_patterns("*.jsonl"))
    (tmp_path / "split.json").write_text(json.dumps({"train": ["000"], "validation": ["004"]}))
    data = Data(folder=str(source), split=str(tmp_path / "split.json"), extra=(str(tmp_path / "extra"),))
    with pytest.raises(ConfigError, match="held out by the split under another name"):
        chosen_pairs(data, folder, seed=0)


def copies_of(source: Path, folder: Path, flips: dict[str, bool]) -> Path:
    """Some faces of `source` as pairs under other names: smaller, compressed anew, and mirrored where it is said."""
    (folder / "images").mkdir(parents=True)
    for name, mirrored in flips.items():
        pixels = read_photo(source / "images" / f"{name}.png").resized(48, 48).pixels
        image = Image.fromarray(np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels)
        image.save(folder / "images" / f"other-{name}.jpg", quality=85)
        write_label_map(drawn_labels(0), folder / "labels" / f"other-{name}.png")
    return folder


def test_copies_of_held_out_images_are_left_out_of_the_extra_ones(tmp_path: Path) -> None:
    """As they are of faces without label maps; they were once trained on."""
    for seed, name in enumerate("abcdef"):
        write_photo(picture(seed), tmp_path / "pairs" / "images" / f"{name}.png")
        write_label_map(drawn_labels(seed), tmp_path / "pairs" / "labels" / f"{name}.png")
    (tmp_path / "split.json").write_text(json.dumps({"train": ["a"], "validation": ["b", "c"], "test": ["d"]}))
    data = Data(folder="pairs", split="split.json")
    copied = copies_of(tmp_path / "pairs", tmp_path / "copied", {"b": False, "c": True})
    mixed = copies_of(tmp_path / "pairs", tmp_path / "mixed", {"a": True, "d": True, "e": False})
    extra = replace(data, extra=(str(copied), str(mixed)))
    assert names(extra, tmp_path) == (["a", "other-a", "other-e"], ["b", "c"])
    assert names(replace(extra, limit=3), tmp_path)[0] == ["a", "other-a", "other-e"]
    with pytest.raises(ConfigError, match=r"data\.extra: all extra pairs are held out, and may not train; add others"):
        names(replace(data, extra=(str(copied),)), tmp_path)
    assert names(Data(folder="pairs", extra=(str(copied),)), tmp_path)[0][-2:] == ["other-b", "other-c"], "no split"


def test_a_limit_counts_pairs_not_names(folder: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "other", 6, size=16)  # the same names
    data = Data(folder=str(folder), extra=(str(tmp_path / "other"),), limit=5)
    train, _ = chosen_pairs(data, folder, seed=0)
    assert len(list(train)) == 5


def test_the_digest_follows_images_of_the_same_size_and_time(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.jsonl"))
    pairs, _ = chosen_pairs(Data(folder=str(copy)), folder, seed=0)
    before, image = identify(pairs).digest, next((copy / "images").iterdir())
    state = image.stat()
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert identify(pairs).digest != before


def test_the_digest_follows_label_maps_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.jsonl"), copy_function=shutil.copy)
    before, _ = chosen_pairs(Data(folder=str(copy)), folder, seed=0)
    digest = identify(before).digest
    copy.rename(tmp_path / "moved")
    moved, _ = chosen_pairs(Data(folder=str(tmp_path / "moved")), folder, seed=0)
    assert identify(moved).digest == digest
    (tmp_path / "moved/labels/000.png").write_bytes((folder / "labels/001.png").read_bytes())
    assert identify(moved).digest != digest
