"""Finding and splitting of training pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError, InputError, UsageError
from facesynth.core.refs import sha256_file
from facesynth.datasets.manifest import SIDES
from facesynth.datasets.pairs import Pair, find_pairs
from facesynth.datasets.splitting import Split
from tests.drawn_pairs import write_pairs


def test_a_file_without_partner_is_named(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, 2)
    (folder / "labels" / "001.png").unlink()
    with pytest.raises(UsageError, match=r"001 \(no label map"):
        find_pairs(folder)
    with pytest.raises(UsageError, match="images/ and labels/"):
        find_pairs(tmp_path / "nowhere")


def test_split_files(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": ["000", "001"], "validation": ["003", "unknown"]}))
    split = Split.read(path)
    assert [sorted(split.names(side)) for side in SIDES] == [["000", "001"], ["003", "unknown"], []]
    for text, message in (
        ('{"train": ["000"], "validation": ["000"]}', "000 is in train and in validation"),
        ('{"train": []}', "not a split file"),
        ("no JSON", "not a split file"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            Split.read(path)


def test_a_file_that_changed_since_its_import_is_not_read(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path, 1)
    image, labels = folder / "images" / "000.png", folder / "labels" / "000.png"
    pair = Pair("000", image, labels, None, sha256_file(image), sha256_file(labels))
    assert pair.read()[0].size == (64, 64)
    other = write_pairs(tmp_path / "other", 2)
    for path, name in ((image, "images/001.png"), (labels, "labels/001.png")):
        before = path.read_bytes()
        path.write_bytes((other / name).read_bytes())
        with pytest.raises(InputError, match="changed since its dataset was imported") as caught:
            pair.read()
        assert caught.value.where == str(path)
        path.write_bytes(before)
