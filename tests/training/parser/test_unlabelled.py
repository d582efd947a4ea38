"""Faces without label maps: where they come from, and that none of those that are held out is among them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import ConfigError, InputError, OutputError, UsageError
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.datasets.manifest import Description, Sample, write_manifest
from facesynth.datasets.packed import packed
from facesynth.datasets.pairs import find_pairs
from facesynth.store import ArtifactStore
from facesynth.training.parser.unlabelled import UnlabelledFaces, allowed_faces
from tests.drawn_pairs import drawn_labels, write_pairs
from tests.training.test_folder import full

SETTING = "teacher.folders"


def picture(seed: int, size: int = 64) -> Photo:
    """A picture like no other: smooth noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Photo(np.asarray(Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)))


def test_folders_manifests_and_the_images_of_pairs_are_gone_through(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_photo(picture(1), tmp_path / "loose" / f"{name}.png")
    write_pairs(tmp_path / "pairs", 2)
    image = tmp_path / "loose" / "a.png"
    told = Sample(name="x", image=image, sha256=hashlib.sha256(image.read_bytes()).hexdigest())
    write_manifest(tmp_path / "faces.jsonl", Description(name="faces"), [told])
    faces = UnlabelledFaces((tmp_path / "loose", tmp_path / "faces.jsonl", tmp_path / "pairs"), SETTING)
    assert [face.name for face in faces] == ["0/a", "0/b", "1/x", "2/000", "2/001"]
    assert [face.name for face in faces] == [face.name for face in faces], "and again"
    with packed(faces, 32, ArtifactStore(tmp_path / "cache")) as found:
        assert np.array_equal(found.images[0], picture(1).resized(32, 32).pixels) and not found.labels.any()
    with pytest.raises(UsageError, match=r"nowhere: no such folder or manifest; check teacher\.folders"):
        list(UnlabelledFaces((tmp_path / "nowhere",), SETTING))


def test_faces_that_changed_or_are_not_square_are_named(tmp_path: Path) -> None:
    write_photo(picture(1).resized(40, 30), tmp_path / "wide" / "a.png")
    [wide] = UnlabelledFaces((tmp_path / "wide",), SETTING)
    with pytest.raises(InputError, match=r"a\.png: .*40×30; run: facesynth align"):
        wide.read()
    changed = Sample(name="x", image=tmp_path / "wide" / "a.png", sha256="0" * 64)
    write_manifest(tmp_path / "faces.jsonl", Description(name="faces"), [changed])
    [other] = UnlabelledFaces((tmp_path / "faces.jsonl",), SETTING)
    with pytest.raises(InputError, match="has changed since its dataset was imported"):
        other.read()


def test_held_out_faces_and_their_copies_are_left_out(tmp_path: Path) -> None:
    held = tmp_path / "held"
    flat = Photo(np.full((64, 64, 3), 90, dtype=np.uint8))
    for number, photo in enumerate((picture(0), picture(1), picture(2), flat)):
        write_photo(photo, held / "images" / f"{number}.png")
        labels = held / "labels" / f"{number}.png"
        labels.parent.mkdir(exist_ok=True)
        Image.fromarray(drawn_labels(number).ids).save(labels)
    brighter = Photo((picture(1).pixels * 0.8 + 20).astype(np.uint8))
    mirrored = Photo(np.ascontiguousarray(picture(2).pixels[:, ::-1]))
    several = [picture(10), picture(0), brighter, picture(11), mirrored, flat, picture(12)]
    images = np.stack([photo.pixels for photo in several])
    path = tmp_path / "left-out.json"
    pairs = find_pairs(held)
    assert allowed_faces(images, pairs, path, "d", SETTING).tolist() == [0, 3, 6]
    assert allowed_faces(images, iter(()), path, "d", SETTING).tolist() == [0, 3, 6], "kept for the same digest"
    assert allowed_faces(images, [], path, "other", SETTING).tolist() == list(range(7)), "not for another"
    with pytest.raises(
        ConfigError, match=r"teacher\.folders: all unlabelled faces are held out, .*--set teacher\.folders=\[DIR\]"
    ):
        allowed_faces(images[1:3], pairs, path, "d", SETTING)
    with pytest.raises(ConfigError, match="no unlabelled faces are there"):
        allowed_faces(images[:0], pairs, path, "e", SETTING)


def test_what_cannot_be_kept_leaves_no_draft_and_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match=r"left-out\.json: cannot be written"):
        allowed_faces(picture(0).pixels[None], [], tmp_path / "left-out.json", "d", SETTING)
    assert not [*tmp_path.iterdir()]
