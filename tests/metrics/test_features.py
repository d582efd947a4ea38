"""Features of a mapped file: gone through in full, they do not stay in memory, and are there when asked for again."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from facesynth.metrics.features import PickedRows, checked_features, let_go


def mapped(path: Path, rows: int, dim: int) -> np.memmap[tuple[int, int], np.dtype[np.float32]]:
    np.arange(rows * dim, dtype="<f4").tofile(path)
    return np.memmap(path, dtype="<f4", mode="r", shape=(rows, dim))


def resident_of_files() -> int:
    """Bytes of mapped files that this process holds in memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:"))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")
def test_a_mapped_set_is_read_once_and_does_not_stay(tmp_path: Path) -> None:
    features = mapped(tmp_path / "features.f32", 8192, 1024)  # 32 MiB
    before = resident_of_files()
    assert checked_features(features, "the set") is features
    assert resident_of_files() - before < 8 << 20
    assert float(features.sum(dtype=np.float64)) == sum(range(8192 * 1024)), "and is read again"


def test_to_let_go_changes_no_number(tmp_path: Path) -> None:
    features = mapped(tmp_path / "features.f32", 100, 8)
    rows = PickedRows(features, np.array([3, 50, 99]))
    held = np.ones((2, 3), dtype=np.float32)
    for some in (features, rows, features[10:20], held):
        before = np.array(some[:])
        let_go(some)
        assert np.array_equal(some[:], before)
