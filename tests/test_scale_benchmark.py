"""The benchmark of many photos measures what it says it measures, on a few of them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.mark.parametrize("shards", [False, True])
def test_every_drawn_face_goes_through_and_is_found_again(
    shards: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    scale = importlib.import_module("segment_scale")
    monkeypatch.setattr(scale, "PER_FOLDER", 7)
    monkeypatch.setattr(scale, "PER_SHARD", 7)
    scale.draw(tmp_path / "faces", 20, shards=shards)
    first = scale.measure(tmp_path, shards=shards, workers=2)
    assert (first["images"], first["cached"], first["failed"]) == (20, 0, 0)
    again = scale.measure(tmp_path, shards=shards, workers=2)
    assert (again["images"], again["cached"]) == (20, 20) and again["peak_mib"] > 0
    assert scale.usage(tmp_path / "out")["inodes"] == (4 if shards else 25)
