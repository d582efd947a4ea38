"""Names of very many files in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from facesynth.core.errors import InputError
from facesynth.datasets.image_sets.file_list import FileList
from facesynth.datasets.image_sets.stem_index import StemIndex


def test_paths_and_names_come_back(tmp_path: Path) -> None:
    files = FileList(tmp_path)
    files.add(tmp_path, ["ä b.png", "c.d.jpeg"])
    files.add(tmp_path / "x" / "y", ["e.JPG"])
    assert [files.path(index) for index in range(3)] == [
        tmp_path / "ä b.png",
        tmp_path / "c.d.jpeg",
        tmp_path / "x" / "y" / "e.JPG",
    ]
    assert [files.name(index) for index in range(3)] == ["ä b", "c.d", "x/y/e"]
    for index in (-1, 3):
        with pytest.raises(IndexError, match="3 images"):
            files.name(index)


def test_a_file_costs_some_bytes(tmp_path: Path) -> None:
    names = [f"{number:08}.png" for number in range(50_000)]
    tracemalloc.start()
    files = FileList(tmp_path)
    files.add(tmp_path, names)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(files) == 50_000 and kept < 50_000 * 35 and peak < 50_000 * 100


def test_files_are_found_by_their_stems(tmp_path: Path) -> None:
    files = FileList(tmp_path)
    files.add(tmp_path / "b", [f"{number}.png" for number in range(1000)])
    files.add(tmp_path / "a", ["x.jpg"])
    index = StemIndex(files)
    assert len(index) == 1001 and index.find(["999", "x", "0", "1000", ""]).tolist() == [999, 1000, 0, -1, -1]
    files.add(tmp_path / "c", ["x.png"])
    with pytest.raises(InputError, match=r"x\.png: .*x\.jpg has the same name"):
        StemIndex(files)
