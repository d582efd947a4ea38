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


def drawn(
    folder: Path, count: int, *, shift: float = 0.0, seed: int = 0, classes: int | None = None, dim: int = 4
) -> FeatureSet:
    random, files = np.random.default_rng(seed), FeatureFiles(folder)
    for _ in range(count):
        logits = None if classes is None else (20 * np.eye(classes)[random.integers(classes)]).astype(np.float32)
        files.add(PictureFeatures((random.normal(size=dim) + shift).astype(np.float32), logits))
    return files.finished()


def test_a_shift_of_all_features_is_its_square_and_the_floor_is_far_below(tmp_path: Path) -> None:
    real, moved = drawn(tmp_path / "real", 400), drawn(tmp_path / "moved", 400, shift=3.0)
    found, against = compare_sets(("fid", "kid", "pr"), real, moved), references(("fid", "kid", "pr"), real, 400)
    assert found["fid"].value == pytest.approx(4 * 3.0**2, rel=1e-3), "|shift|², the covariances being the same"
    assert against["fid"].half is not None and against["fid"].half[0] == 200 and 0 < against["fid"].half[1] < 0.5
    assert against["fid"].notes[0].startswith("real against real: two halves of 200")
    assert against["precision"].half is not None and against["precision"].half[1] > 0.8
    assert found["precision"].value < 0.2 and (found["precision"].at_half or 0) < 0.2
    assert found["fid"].at_half == pytest.approx(36, rel=0.1)
    assert found["kid"].sd_over == "100 subsets" and "subsets of 200" in found["kid"].notes
    assert against["kid"].half is not None
    assert against["kid"].half[0] == 200 and against["kid"].half[1] == pytest.approx(0, abs=0.3)
    assert "there subsets of 100" in against["kid"].notes
    assert found["fid"].warning is None, "400 pictures are plenty for 4 features"


def test_an_inception_score_of_sure_and_even_classes_is_their_number(tmp_path: Path) -> None:
    found = drawn(tmp_path / "set", 5000, classes=5)
    number = compare_sets(("is",), found, found)["is"]
    assert number.value == pytest.approx(5, rel=0.01) and number.sd_over == "10 splits"
    assert number.warning is None and references(("is",), found, 5000)["is"].ceiling == number.value
    with pytest.raises(UsageError, match="no classes"):
        compare_sets(("is",), found, drawn(tmp_path / "without", 50))


def test_like_sets_score_at_half_what_halves_of_the_real_set_do(tmp_path: Path) -> None:
    """A Fréchet distance grows as sets shrink: over all pictures it lies below that of halves, at one count it does
    not."""
    whole, over = [], []
    for seed in range(0, 24, 2):
        real, like = (drawn(tmp_path / str(seed + side), 80, seed=seed + side, dim=16) for side in (0, 1))
        found, against = compare_sets(("fid", "pr"), real, like), references(("fid", "pr"), real, len(like))
        assert against["fid"].half is not None and against["fid"].half[0] == 40 and found["fid"].at_half is not None
        whole.append(found["fid"].value - against["fid"].half[1])
        over.append(found["fid"].at_half - against["fid"].half[1])
    assert max(whole) < 0, "a distance over twice as many pictures says nothing beside that of halves"
    assert abs(np.mean(over)) < 3 * np.std(over, ddof=1) / len(over) ** 0.5
    assert min(over) < 0 < max(over)


def test_the_real_pictures_themselves_are_not_compared_with_themselves_at_half(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 81, dim=8)
    found, against = compare_sets(("fid", "kid", "pr"), real, real), references(("fid", "kid", "pr"), real, 81)
    assert found["fid"].value == pytest.approx(0, abs=1e-6)
    assert all(against[kind].half == (40, one.at_half) for kind, one in found.items())


def test_fewer_generated_pictures_are_matched_by_as_many_real_ones(tmp_path: Path) -> None:
    real, few = drawn(tmp_path / "real", 60), drawn(tmp_path / "few", 10, seed=1)
    against = references(("fid",), real, len(few))["fid"].half
    assert against is not None and against[0] == 10 and compare_sets(("fid",), real, few)["fid"].at_half is not None
    assert "both read high" in references(("fid",), drawn(tmp_path / "wide", 30, dim=20), 30)["fid"].notes[1]


def test_what_so_few_pictures_are_worth_is_said(tmp_path: Path) -> None:
    few, more = drawn(tmp_path / "few", 60, classes=8), drawn(tmp_path / "more", 1200, classes=8)
    found = compare_sets(("kid", "is", "pr"), few, few)
    assert "6 pictures in each of 10 parts cannot fill 8 classes" in (found["is"].warning or "")
    assert "subsets of 30 pictures are few" in (found["kid"].warning or "")
    assert "over 60 pictures say little" in (found["precision"].warning or "") and found["recall"].warning
    assert all(one.warning is None for one in compare_sets(("kid", "is", "pr"), more, more).values())
    with pytest.raises(UsageError, match="is needs at least 50 pictures a side, a holds 10"):
        check_counts(("is",), {"a": 10})


def test_too_few_for_halves_is_said_in_place_of_a_floor(tmp_path: Path) -> None:
    found = references(("fid", "kid", "pr"), drawn(tmp_path / "real", 5), 5)
    assert found["fid"].half is not None and found["kid"].half is None and found["precision"].half is None
    assert found["kid"].notes == ("no real against real: 5 real and 5 generated pictures are too few for two halves",)
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
