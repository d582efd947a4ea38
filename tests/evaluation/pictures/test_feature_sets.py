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
    first, second = found.halves(5, 1)
    assert len(first) == len(second) == 5 and not [*tmp_path.glob("*half*")], "rows of the same file"
    known = {row.tobytes() for row in rows}
    one, other = ({row.tobytes() for row in half.features[:]} for half in (first, second))
    assert len(one) == len(other) == 5 and not one & other and one | other < known
    again, _ = found.halves(5, 1)
    another, _ = found.halves(5, 2)
    assert np.array_equal(again.features[:], first.features[:]) and again.digest == first.digest
    assert another.digest not in (first.digest, second.digest) and first.digest != second.digest
    assert not np.array_equal(another.features[:], first.features[:])
    assert np.allclose(first.moments.mean, first.features[:].mean(axis=0))


def test_the_digest_is_that_of_the_numbers_in_their_order(tmp_path: Path) -> None:
    rows = [np.full(3, value, dtype=np.float32) for value in (1, 2)]

    def digest(name: str, *given: np.ndarray, logits: np.ndarray | None = None) -> str:
        files = FeatureFiles(tmp_path / name)
        for row in given:
            files.add(PictureFeatures(row, logits))
        return files.finished().digest

    assert digest("a", *rows) == digest("b", *rows) != digest("c", *rows[::-1])
    assert len({digest("d", *rows), digest("e", rows[0]), digest("f", *rows, logits=rows[0])}) == 3


def test_no_file_stays_open(tmp_path: Path) -> None:
    with FeatureFiles(tmp_path / "stopped") as files:
        files.add(PictureFeatures(np.zeros(4, dtype=np.float32)))
    with pytest.raises(ValueError, match="closed"):
        files.add(PictureFeatures(np.zeros(4, dtype=np.float32)))
    found, _ = written(tmp_path / "set", 6)
    found.close()
    assert len(found) == 0


def test_features_of_two_lengths_are_refused_and_of_nothing_there_is_no_mean(tmp_path: Path) -> None:
    files = FeatureFiles(tmp_path / "set")
    files.add(PictureFeatures(np.zeros(4, dtype=np.float32)))
    with pytest.raises(FacesynthError, match="picture 2 has features of another length"):
        files.add(PictureFeatures(np.zeros(5, dtype=np.float32)))
    with pytest.raises(UsageError, match="no mean of no pictures"):
        _ = FeatureFiles(tmp_path / "empty").finished().moments.mean
