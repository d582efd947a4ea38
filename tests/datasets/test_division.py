"""Pairs by the sides of a split file, and of a manifest's own division."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError
from facesynth.datasets.division import FileDivision, open_division
from facesynth.datasets.manifest import Description, Sample, write_manifest
from facesynth.datasets.pairs import open_pairs
from tests.drawn_pairs import write_pairs


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs", 4, size=16)
    samples = [
        Sample(
            name=f"{number:03}",
            image=tmp_path / f"pairs/images/{number:03}.png",
            sha256="0" * 64,
            labels=tmp_path / f"pairs/labels/{number:03}.png",
            split={"own": side},
        )
        for number, side in enumerate(("train", "train", "validation", "test"))
    ]
    write_manifest(tmp_path / "dataset.jsonl", Description(name="drawn"), samples)
    return tmp_path / "dataset.jsonl"


def test_a_file_and_a_manifest_divide_alike(tmp_path: Path, manifest: Path) -> None:
    (tmp_path / "own.json").write_text('{"train": ["000", "001"], "validation": ["002"], "test": ["003", "x"]}')
    for source in (open_pairs(manifest), open_pairs(tmp_path / "pairs")):
        by_file = open_division(source, "own.json", tmp_path)
        assert isinstance(by_file, FileDivision) and by_file.names("test") == {"003", "x"}
        assert [pair.name for pair in by_file.pairs("train")] == ["000", "001"]
        assert [pair.name for pair in by_file.pairs("validation", "test")] == ["002", "003"]
    own = open_division(open_pairs(manifest), "own", tmp_path)
    assert [pair.name for pair in own.pairs("validation", "test")] == ["002", "003"]
    assert [pair.name for pair in own.pairs("train")] == ["000", "001"]


def test_a_division_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, manifest: Path) -> None:
    with pytest.raises(ConfigError, match=r"no division 'other'.*or one of: own"):
        open_division(open_pairs(manifest), "other", tmp_path)


def test_a_split_file_in_the_working_folder_is_to_be_named_whole(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text('{"train": ["000"], "validation": ["002"]}')
    for source in (manifest, tmp_path / "pairs"):
        with pytest.raises(ConfigError, match=r"pipelines: name .*mine\.json$"):
            open_division(open_pairs(source), "mine.json", tmp_path / "pipelines")
        open_division(open_pairs(source), str(tmp_path / "mine.json"), tmp_path / "pipelines")
    with pytest.raises(ConfigError, match=r"no such split file; run: facesynth dataset split"):
        open_division(open_pairs(tmp_path / "pairs"), "none.json", tmp_path)
