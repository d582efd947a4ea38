"""Scores of sets: their names over the field's weights and over others, their references, what is too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.feature_sets import FeatureFiles, FeatureSet
from facesynth.evaluation.pictures.set_scores import (
    SET_METRICS,
    check_counts,
    check_metrics,
    compare_sets,
    references,
    set_measures,
)
from facesynth.inference.extractors.choice import choose_features
from facesynth.inference.extractors.features import PictureFeatures


def drawn(folder: Path, count: int, *, shift: float = 0.0, seed: int = 0, classes: int | None = None) -> FeatureSet:
    random, files = np.random.default_rng(seed), FeatureFiles(folder)
    for _ in range(count):
        logits = None if classes is None else (20 * np.eye(classes)[random.integers(classes)]).astype(np.float32)
        files.add(PictureFeatures((random.normal(size=4) + shift).astype(np.float32), logits))
    return files.finished()


def test_a_shift_of_all_features_is_its_square_and_the_floor_is_far_below(tmp_path: Path) -> None:
    real, moved = drawn(tmp_path / "real", 400), drawn(tmp_path / "moved", 400, shift=3.0)
    found, against = compare_sets(("fid", "kid", "pr"), real, moved), references(("fid", "kid", "pr"), real, tmp_path)
    assert found["fid"].value == pytest.approx(4 * 3.0**2, rel=1e-3), "|shift|², the covariances being the same"
    floor = against["fid"].floor
    assert floor is not None and 0 < floor < 0.5 and against["fid"].notes[0].startswith("real against real: two halves")
    assert found["precision"].value < 0.2 and (against["precision"].ceiling or 0) > 0.8
    assert found["kid"].sd_over == "100 subsets" and "subsets of 200" in found["kid"].notes
    assert against["kid"].floor == pytest.approx(0, abs=0.3) and "there subsets of 100" in against["kid"].notes
    assert found["fid"].warning is None, "400 pictures are plenty for 4 features"


def test_an_inception_score_of_sure_and_even_classes_is_their_number(tmp_path: Path) -> None:
    found = drawn(tmp_path / "set", 5000, classes=5)
    number = compare_sets(("is",), found, found)["is"]
    assert number.value == pytest.approx(5, rel=0.01) and number.sd_over == "10 splits"
    assert references(("is",), found, tmp_path)["is"].ceiling == number.value
    with pytest.raises(UsageError, match="no classes"):
        compare_sets(("is",), found, drawn(tmp_path / "without", 20))


def test_too_few_for_halves_is_said_in_place_of_a_floor(tmp_path: Path) -> None:
    found = references(("fid", "kid", "pr"), drawn(tmp_path / "real", 5), tmp_path)
    assert found["fid"].floor is not None and found["kid"].floor is None and found["precision"].ceiling is None
    assert found["kid"].notes == ("no real against real: 5 real pictures are too few for two halves",)
    check_counts(("fid",), {"a": 2})
    with pytest.raises(UsageError, match="pr needs at least 4 pictures a side, b holds 3"):
        check_counts(("fid", "pr"), {"a": 4, "b": 3})


def test_only_the_fields_own_weights_give_the_fields_own_names() -> None:
    published = set_measures(SET_METRICS, choose_features("inception"))
    assert [one.label for one in published.values()] == ["FID", "KID", "Inception Score", "precision", "recall"]
    assert published["fid"].key == "fid" and published["fid"].better == "lower" and published["is"].better == "higher"
    judge = choose_features("judge")
    other = set_measures(("fid", "kid", "pr"), judge)
    assert other["fid"].label == "Fréchet distance over judge-efl0-256-v1"
    assert other["kid"].key == "kernel/judge-efl0-256-v1"
    assert not any("FID" in one.label + one.protocol or "KID" in one.label + one.protocol for one in other.values())
    with pytest.raises(UsageError, match="needs Inception's classes"):
        check_metrics(SET_METRICS, judge)
