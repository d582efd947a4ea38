"""Finding, splitting and packing of training pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import ConfigError, InputError, UsageError
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.label_files import read_label_map
from facesynth.datasets.pairs import Split, find_pairs, pack
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs


def test_pairs_are_found_by_name_and_packed_at_a_size(tmp_path: Path) -> None:
    pairs = find_pairs(write_pairs(tmp_path / "data", 3))
    assert [pair.name for pair in pairs] == ["000", "001", "002"]
    packed = pack(pairs, 32, tmp_path / "packed")
    assert len(packed) == 3
    assert np.array_equal(packed.images[1], read_photo(pairs[1].image).resized(32, 32).pixels)
    assert np.array_equal(packed.labels[1], read_label_map(pairs[1].labels).resized(32, 32).ids)


def test_packing_is_done_once_until_a_file_changes(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "data", 2)
    pack(find_pairs(folder), 32, tmp_path / "packed")
    before = set((tmp_path / "packed").iterdir())
    pack(find_pairs(folder), 32, tmp_path / "packed")
    assert set((tmp_path / "packed").iterdir()) == before
    write_photo(drawn_face(drawn_labels(7), 7), folder / "images" / "000.png")
    changed = pack(find_pairs(folder), 32, tmp_path / "packed")
    assert np.array_equal(changed.images[0], drawn_face(drawn_labels(7), 7).resized(32, 32).pixels)


def test_a_file_without_partner_is_named(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, 2)
    (folder / "labels" / "001.png").unlink()
    with pytest.raises(UsageError, match=r"001 \(no label map"):
        find_pairs(folder)
    with pytest.raises(UsageError, match="images/ and labels/"):
        find_pairs(tmp_path / "nowhere")


def test_a_damaged_pair_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "data", 2)
    (folder / "images" / "001.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"001\.png"):
        pack(find_pairs(folder), 32, tmp_path / "packed")
    assert not list((tmp_path / "packed").iterdir())


def test_faces_that_are_not_square_are_refused(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "data", 1)
    write_photo(drawn_face(drawn_labels(0), 0).resized(64, 48), folder / "images" / "000.png")
    with pytest.raises(InputError, match="64×48"):
        pack(find_pairs(folder), 32, tmp_path / "packed")


def test_split_files(tmp_path: Path) -> None:
    pairs = find_pairs(write_pairs(tmp_path / "data", 4))
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": ["000", "001"], "validation": ["003", "unknown"]}))
    train, held_out = Split.read(path).choose(pairs)
    assert [[pair.name for pair in side] for side in (train, held_out)] == [["000", "001"], ["003"]]
    for text, message in (
        ('{"train": ["000"], "validation": ["000"]}', "000 is in train and in validation"),
        ('{"train": []}', "not a split file"),
        ("no JSON", "not a split file"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            Split.read(path)
