"""The Inception Score against closed forms and against torch-fidelity over the whole set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch_fidelity.metric_isc import isc_features_to_metric

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.metrics.inception_score import InceptionScore, small_parts_warning
from facesynth.metrics.spread import MeanSd
from tests.metrics.feature_sets import noise


def _score(logits: NDArray[np.float32], splits: int = 10, shuffle_seed: int | None = None) -> MeanSd:
    score = InceptionScore(len(logits), splits, shuffle_seed)
    score.add(logits)
    return score.result()


def test_pictures_that_say_nothing_score_1() -> None:
    score = _score(np.zeros((50, 7), np.float32))
    assert score.mean == pytest.approx(1) and score.sd == pytest.approx(0) and score.count == 10


def test_pictures_that_all_say_the_same_score_1() -> None:
    assert _score(np.tile(np.array([9, 0, 0], np.float32), (50, 1))).mean == pytest.approx(1)


@pytest.mark.parametrize("sure", [50.0, 1e5])  # at 1e5 the others' chances are 0, not merely small
def test_sure_pictures_of_k_equal_classes_score_k(sure: float) -> None:
    logits = (np.tile(np.eye(6), (20, 1)) * sure).astype(np.float32)
    assert _score(logits).mean == pytest.approx(6)


def test_half_sure_pictures_by_hand() -> None:
    logits = np.log(np.array([[0.75, 0.25], [0.25, 0.75]]))
    expected = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    score = _score(logits, splits=1)
    assert score.mean == pytest.approx(np.exp(expected)) and score.sd is None


@settings(max_examples=20)
@given(st.integers(50, 137), st.integers(1, 10), st.sampled_from([None, 2020, 3]), st.integers(1, 50))
def test_streamed_it_is_torch_fidelitys_over_all(count: int, splits: int, seed: int | None, block: int) -> None:
    logits = noise(count, 12, count) * 3
    score = InceptionScore(count, splits, seed)
    for start in range(0, count, block):
        score.add(logits[start : start + block])
    theirs = isc_features_to_metric(torch.from_numpy(logits), splits, shuffle=seed is not None, rng_seed=seed or 0)
    assert score.result().mean == pytest.approx(theirs["inception_score_mean"], abs=1e-9)
    sd = theirs["inception_score_std"] * (splits / (splits - 1)) ** 0.5 if splits > 1 else None
    assert score.result().sd == (sd if sd is None else pytest.approx(sd, abs=1e-9))


def test_its_defaults_are_torch_fidelitys() -> None:
    logits = noise(200, 20, 0) * 2
    score = InceptionScore(len(logits))
    score.add(logits)
    assert score.result().mean == pytest.approx(
        isc_features_to_metric(torch.from_numpy(logits))["inception_score_mean"]
    )


def test_shuffling_keeps_sorted_classes_from_filling_one_part_each() -> None:
    logits = np.repeat(np.eye(10), 50, axis=0).astype(np.float32) * 50
    assert _score(logits).mean == pytest.approx(1)
    assert _score(logits, shuffle_seed=2020).mean > 8


def test_too_few_pictures_for_the_parts() -> None:
    with pytest.raises(UsageError, match=r"49 pictures cannot be split into 10 parts .*; give at least 50 pictures"):
        InceptionScore(49)
    InceptionScore(50)
    InceptionScore(1, splits=1)
    with pytest.raises(UsageError, match="0 pictures"):
        InceptionScore(0)


def test_parts_that_cannot_fill_the_classes_are_warned_of() -> None:
    assert small_parts_warning(1000, 10, 100) is None
    warning = small_parts_warning(999, 10, 100)
    assert warning is not None and "99 pictures in each of 10 parts cannot fill 100 classes" in warning


def test_more_or_fewer_logits_than_announced_give_no_score() -> None:
    score = InceptionScore(20, splits=4)
    with pytest.raises(ValueError, match="0 logits came where 20"):
        score.result()
    score.add(noise(19, 3, 0))
    with pytest.raises(ValueError, match="19 logits came where 20"):
        score.result()
    with pytest.raises(ValueError, match="21 logits came where 20"):
        score.add(noise(2, 3, 0))
    with pytest.raises(ValueError, match="N×3"):
        score.add(noise(1, 4, 0))
    bad = noise(1, 3, 0)
    bad[0, 0] = np.nan
    with pytest.raises(FacesynthError, match="picture 20 of the set"):
        score.add(bad)
    score.add(noise(1, 3, 0))  # what was refused is not counted
    assert score.result().mean >= 1
