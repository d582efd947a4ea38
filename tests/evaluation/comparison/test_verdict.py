"""What a comparison comes to in words, and what keeps it from being said."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from facesynth.evaluation.comparison.differences import difference
from facesynth.evaluation.comparison.document import comparison_json
from facesynth.evaluation.comparison.page import comparison_page
from facesynth.evaluation.comparison.verdict import verdicts
from facesynth.evaluation.pictures.results import PictureEvaluation
from tests.evaluation.comparison.trained import FRECHET, arms, trained
from tests.evaluation.pictures.drawn_evaluations import evaluation

SNGAN, SPN = (13.6, 13.3, 13.5), (12.3, 12.1, 12.0)


def of_arm(name: str, values: tuple[float, ...], first: int = 0, images: int = 1000) -> list[PictureEvaluation]:
    return [trained(name, seed, value, images=images) for seed, value in enumerate(values, first)]


def test_two_arms_are_compared_seed_by_seed() -> None:
    (verdict,) = arms(*of_arm("sngan", SNGAN), *of_arm("spn", SPN)).verdicts()
    apart = np.subtract(SPN, SNGAN)
    assert verdict.difference.mean == pytest.approx(apart.mean()) and verdict.difference.paired
    assert verdict.difference.sd == pytest.approx(apart.std(ddof=1)) and verdict.better == 3
    assert (verdict.arm, verdict.other, verdict.score.key) == ("spn", "sngan", FRECHET)
    assert verdict.told() == (
        "Fréchet distance over tiny: spn 12.13 ± 0.15, sngan 13.47 ± 0.15: spn is better (lower) by 1.33 at equal "
        "images (1,000). Seed by seed (n = 3) the difference is -1.33 ± 0.15, better at 3 of 3; larger than its own "
        "spread."
    )


def test_a_difference_the_other_way_or_within_its_spread_is_told_as_it_is() -> None:
    (worse,) = arms(*of_arm("sngan", SPN), *of_arm("spn", SNGAN)).verdicts()
    assert "spn is worse (higher) by 1.33" in worse.told() and "better at 0 of 3" in worse.told()
    (unsure,) = arms(*of_arm("sngan", (13.0, 12.0)), *of_arm("spn", (12.0, 12.8))).verdicts()
    assert "; no larger than its own spread." in unsure.told() and "better at 1 of 2" in unsure.told()
    (none,) = arms(*of_arm("sngan", (12.0,)), *of_arm("spn", (12.0,))).verdicts()
    assert "no difference at equal images" in none.told()


def test_other_seeds_are_not_paired_and_one_training_has_no_spread() -> None:
    (unpaired,) = arms(*of_arm("sngan", SNGAN), *of_arm("spn", SPN, first=5)).verdicts()
    assert not unpaired.difference.paired and unpaired.difference.seeds == ()
    assert unpaired.difference.sd == pytest.approx(math.hypot(np.std(SNGAN, ddof=1), np.std(SPN, ddof=1)))
    assert "The seeds are not the same (n = 3 and 3)" in unpaired.told()
    (single,) = arms(*of_arm("sngan", (13.0,)), *of_arm("spn", (12.0,))).verdicts()
    assert single.difference.sd is None and "One training each: how much of this is chance" in single.told()
    (one,) = arms(*of_arm("sngan", SNGAN), *of_arm("spn", (12.0,))).verdicts()
    assert one.difference.sd is None and "One training of one of them" in one.told()
    assert one.difference.mean == pytest.approx(12.0 - np.mean(SNGAN))


def test_every_two_of_few_arms_and_each_of_many_against_the_first() -> None:
    few = arms(*(one for name in "abc" for one in of_arm(name, SPN[:2])))
    assert [(one.arm, one.other) for one in few.verdicts()] == [("b", "a"), ("c", "a"), ("c", "b")]
    many = arms(*(one for name in "abcde" for one in of_arm(name, SPN[:2])))
    assert [(one.arm, one.other) for one in many.verdicts()] == [(name, "a") for name in "bcde"]


def test_seconds_are_named_where_they_were_the_budget() -> None:
    (verdict,) = arms(trained("sngan", 0, 2.0, seconds=90.0), trained("spn", 0, 1.0, seconds=90.0)).verdicts()
    assert "at equal seconds (90)" in verdict.told()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (trained("spn", 0, 1.0, images=2000), "Different budgets of training: sngan-s0 1,000 images; spn-s0 2,000"),
        (trained("spn", 0, 1.0, seconds=60), "Different budgets of training: sngan-s0 1,000 images; spn-s0 60 seconds"),
    ],
    ids=["images", "unit"],
)
def test_other_budgets_are_told_and_never_ranked(other: PictureEvaluation, said: str) -> None:
    found = arms(trained("sngan", 0, 2.0), other)
    assert not found.verdicts() and not any(row.best for row in found.rows("pictures"))
    assert any(said in warning and "not to be compared" in warning for warning in found.warnings())
    assert "What it comes to" not in comparison_page(found)
    assert json.loads(comparison_json(found))["verdicts"] == []
    untold = trained("untold", 0, 3.0, settings={})
    for place in range(3):
        every = [trained("sngan", 0, 2.0), other]
        found = arms(*every[:place], untold, *every[place:])
        assert any(said in warning and "untold" not in warning for warning in found.warnings())
        assert not found.verdicts() and not any(row.best for row in found.rows("pictures"))
    assert not list(verdicts(found.columns)), "nor by whoever asks for them alone"


def test_other_features_or_counts_have_no_verdict_either() -> None:
    for other in (trained("spn", 0, 1.0, protocol="features: others"), trained("spn", 0, 1.0, count=50)):
        found = arms(trained("sngan", 0, 2.0), other)
        assert not found.verdicts() and all(row.remark for row in found.rows("pictures"))


def test_what_may_matter_is_told() -> None:
    moments = arms(trained("sngan", 0, 2.0), trained("spn", 0, 1.0, moment="best"))
    assert "Different moments of training: sngan-s0 finished; spn-s0 best" in list(moments.warnings())
    images = arms(trained("sngan", 0, 2.0), trained("spn", 0, 1.0, data="00" * 32))
    assert any(told.startswith("Different training images") for told in images.warnings())
    unknown = arms(trained("sngan", 0, 2.0), trained("spn", 0, 1.0, settings={}))
    assert any("How long was trained is not known of spn-s0" in told for told in unknown.warnings())
    assert not unknown.verdicts() and not any(unknown.apart())
    assert not any("train" in told for told in arms(evaluation("a"), evaluation("b")).warnings())


def test_the_best_of_arms_are_those_that_their_seeds_do_not_tell_apart() -> None:
    def best(*values: tuple[float, ...]) -> set[int]:
        found = arms(*(one for name, each in zip("abc", values, strict=False) for one in of_arm(name, each)))
        return set(next(row for row in found.rows("pictures") if row.one.key == FRECHET).best)

    assert best(SNGAN, SPN) == {1}
    assert best((10.0, 20.0, 30.0), (9.0, 19.0, 29.1)) == {1}, "seed by seed it is the better one, however they spread"
    assert best((12.0, 13.0), (13.5, 11.0)) == set() and best((12.0,), (11.0,)) == {1}


def test_sets_of_seeds_of_one_training_are_no_trainings() -> None:
    def by_sets(arm: str, *values: float) -> PictureEvaluation:
        found = trained(arm, 0, float(np.mean(values)))
        by_seed = {number * 100: value for number, value in enumerate(values)}
        sd = float(np.std(values, ddof=1))
        return dataclasses.replace(
            found,
            scores=tuple(
                dataclasses.replace(score, by_seed=by_seed, sd=sd, sd_over="3 sets of seeds")
                if score.key == FRECHET
                else score
                for score in found.scores
            ),
        )

    def best(*columns: PictureEvaluation) -> set[int]:
        return set(next(row for row in arms(*columns).rows("pictures") if row.one.key == FRECHET).best)

    # Set by set the second is lower by the same 0.5 each time, which of one training each says nothing.
    assert best(by_sets("a", 10.0, 12.0, 14.0), by_sets("b", 9.5, 11.5, 13.5)) == set()
    assert best(by_sets("a", 10.0, 12.0, 14.0), by_sets("b", 2.0, 3.0, 4.0)) == {1}


def test_differences_are_taken_over_the_seeds_in_common() -> None:
    found = difference({0: 3.0, 1: 5.0, 2: 9.0}, {0: 1.0, 1: 4.0})
    assert found.apart == (2.0, 1.0) and not found.paired
    assert found.mean == pytest.approx(17 / 3 - 2.5)
