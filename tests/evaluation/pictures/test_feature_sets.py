"""Features in files: what was added comes back, halves are halves, and memory stays small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.evaluation.pictures.feature_sets import FeatureFiles, FeatureSet, blocks
from facesynth.inference.extractors.features import PictureFeatures


def written(folder: Path, count: int, dim: int = 5, classes: int | None = None) -> tuple[FeatureSet, np.ndarray]:
    random = np.random.default_rng(count)
    rows = random.normal(size=(count, dim)).astype(np.float32)
    files = FeatureFiles(folder)
    for row in rows:
        files.add(PictureFeatures(row, None if classes is None else np.arange(classes, dtype=np.float32)))
    return files.finished(), rows


def test_what_was_added_comes_back_mapped_with_its_moments(tmp_path: Path) -> None:
    found, rows = written(tmp_path / "set", 600, classes=3)
    assert isinstance(found.features, np.memmap) and np.array_equal(found.features, rows) and len(found) == 600
    assert found.logits is not None and found.logits.shape == (600, 3)
    assert np.allclose(found.moments.mean, rows.mean(axis=0), atol=1e-6)
    assert np.allclose(found.moments.covariance, np.cov(rows.astype(np.float64).T), atol=1e-6)
    assert np.array_equal(np.concatenate([*blocks(found.features)]), rows)


def test_halves_share_nothing_and_depend_on_the_seed_alone(tmp_path: Path) -> None:
    found, rows = written(tmp_path / "set", 11, classes=2)
    first, second = found.halves(tmp_path / "one", 1)
    assert len(first) == len(second) == 5 and first.logits is not None
    known = {row.tobytes() for row in rows}
    one, other = ({np.asarray(row).tobytes() for row in half.features} for half in (first, second))
    assert len(one) == len(other) == 5 and not one & other and one | other < known
    again, _ = found.halves(tmp_path / "again", 1)
    another, _ = found.halves(tmp_path / "another", 2)
    assert np.array_equal(again.features, first.features) and not np.array_equal(another.features, first.features)


def test_features_of_two_lengths_are_refused_and_of_nothing_there_is_no_mean(tmp_path: Path) -> None:
    files = FeatureFiles(tmp_path / "set")
    files.add(PictureFeatures(np.zeros(4, dtype=np.float32)))
    with pytest.raises(FacesynthError, match="picture 2 has features of another length"):
        files.add(PictureFeatures(np.zeros(5, dtype=np.float32)))
    with pytest.raises(UsageError, match="no mean of no pictures"):
        _ = FeatureFiles(tmp_path / "empty").finished().moments.mean
