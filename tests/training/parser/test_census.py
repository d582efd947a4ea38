"""The census of labels: right, kept, and counted anew for other labels or after damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesynth.core.errors import OutputError
from facesynth.training.parser import census
from facesynth.training.parser.census import kept_counts, label_counts
from tests.drawn_pairs import drawn_labels
from tests.training.test_folder import full


def test_a_census_is_kept_for_the_same_labels_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.stack([drawn_labels(seed).ids for seed in range(3)])
    path = tmp_path / "counts.npz"
    first = kept_counts(labels, path, "one")
    assert first.shape == (3, 19) and (first.sum(1) == labels[0].size).all()
    assert all((first[:, label] == (labels == label).sum((1, 2))).all() for label in range(19))
    times: list[int] = []

    def counted(maps: NDArray[np.uint8]) -> NDArray[np.int64]:
        times.append(1)
        return label_counts(maps)

    monkeypatch.setattr(census, "label_counts", counted)
    assert np.array_equal(kept_counts(labels, path, "one"), first) and not times
    assert np.array_equal(kept_counts(labels[:2], path, "two"), first[:2]) and len(times) == 1
    for damage in (b"", b"PK\x03\x04 cut off", path.read_bytes()[:-40]):
        path.write_bytes(damage)
        assert np.array_equal(kept_counts(labels, path, "one"), first)
    assert len(times) == 4
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert np.array_equal(kept_counts(labels, path, "one"), first)


def test_a_census_that_cannot_be_kept_leaves_no_draft_and_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match=r"counts\.npz: cannot be written"):
        kept_counts(drawn_labels(0).ids[None], tmp_path / "counts.npz", "one")
    assert not [*tmp_path.iterdir()]
