"""Trials of one arm as one column: which belong together, what their mean is, what is kept of each."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from facesynth.evaluation.comparison.arms import with_arms
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.document import comparison_json
from facesynth.evaluation.comparison.page import comparison_page
from facesynth.evaluation.comparison.training import training_of
from facesynth.evaluation.pictures.results import PictureEvaluation
from tests.datasets.inspection.test_page import Page
from tests.evaluation.comparison.trained import FRECHET, arms, column, curves, trained
from tests.evaluation.pictures.drawn_evaluations import evaluation

VALUES = (12.3, 12.0, 12.2)


def test_trainings_that_differ_in_their_seed_alone_are_one_column_with_mean_and_sample_sd() -> None:
    found = arms(trained("sngan", 0, 13.5), *(trained("spn", seed, value) for seed, value in enumerate(VALUES)))
    assert found.names == ["sngan-s0", "spn"]
    spn = found.columns[1]
    score = spn.evaluation.score(FRECHET, "pictures")
    assert score is not None and score.sd_over == "3 trainings"
    assert score.value == pytest.approx(np.mean(VALUES)) and score.sd == pytest.approx(np.std(VALUES, ddof=1))
    assert dict(score.by_seed) == dict(enumerate(VALUES)) == spn.values(FRECHET)
    assert score.halves is not None and score.halves.generated == pytest.approx(np.mean(VALUES) + 1)
    assert score.halves.real == 1 and score.notes == ("of made-up pictures",)
    assert any("3 trainings, by the seeds 0, 1, 2" in line for line in spn.evaluation.protocol)
    assert spn.evaluation.subject.name == "spn" and spn.evaluation.subject.sha256 is None
    assert len(found.columns[0].trials) == 1 and found.columns[0].evaluation.subject.sha256 is not None


@pytest.mark.parametrize(
    "other",
    [
        trained("spn", 1, 2.0, config={"loss": "hinge"}),
        trained("spn", 1, 2.0, images=2000),
        trained("spn", 1, 2.0, seconds=60),
        trained("spn", 1, 2.0, data="00" * 32),
        trained("spn", 1, 2.0, moment="best"),
        trained("spn", 1, 2.0, count=50),
        trained("spn", 1, 2.0, protocol="features: others"),
        trained("spn", 0, 2.0),
        dataclasses.replace(trained("spn", 1, 2.0), settings={}),
    ],
    ids=["settings", "images", "seconds", "data", "moment", "count", "features", "the same seed", "unknown"],
)
def test_what_differs_in_more_stays_apart(other: PictureEvaluation) -> None:
    first = trained("spn", 0, 1.0)
    found = with_arms([column(first), dataclasses.replace(column(first), evaluation=other, source="b")])
    assert len(found) == 2 and len({one.name for one in found}) == 2


def test_what_a_run_notes_and_keeps_does_not_part_it_from_its_likes() -> None:
    same = {"licence": "x", "best": None, "every": {"stats": 1}, "watch": {"images": 5}, "data": {"folder": "b"}}
    other = {"data": {"folder": "a"}}
    assert len(arms(trained("spn", 0, 1.0, config=other), trained("spn", 1, 2.0, config=same)).columns) == 1
    told = training_of(trained("spn", 0, 1.0, seconds=60.0))
    assert told is not None and told.budget.told() == "60 seconds"


def test_names_that_have_nothing_in_common_are_told_by_the_first() -> None:
    one, other = trained("spn", 0, 1.0), trained("spn", 1, 2.0)
    renamed = dataclasses.replace(column(other), name="again")
    assert [each.name for each in with_arms([column(one), renamed])] == ["spn-s0 and 1 more"]
    both = [
        dataclasses.replace(column(trained("spn", seed, 1.0, images=images)), source=f"{images}/spn-s{seed}")
        for images in (100, 200)
        for seed in (0, 1)
    ]
    assert [each.name for each in with_arms(both)] == ["spn (100/spn-s0)", "spn (200/spn-s0)"]


def test_evaluations_of_other_things_are_left_as_they_are() -> None:
    found = with_arms([column(evaluation("a")), column(evaluation("b"))])
    assert [one.trials for one in found] == [(), ()] and found[0].evaluation == evaluation("a")


def test_each_training_stands_in_the_document_with_its_own_numbers_and_file() -> None:
    found = arms(*(trained("spn", seed, value) for seed, value in enumerate(VALUES)), trained("sngan", 0, 13.0))
    files = [f"evaluations/{number}/evaluation.json" for number in range(4)]
    document = json.loads(comparison_json(found, files))
    spn, sngan = document["columns"]
    assert [trial["scores"][FRECHET] for trial in spn["trials"]] == list(VALUES)
    assert [trial["seed"] for trial in spn["trials"]] == [0, 1, 2] and spn["trials"][0]["budget"] == {"images": 1000}
    assert [trial["evaluation"] for trial in spn["trials"]] == files[:3] and spn["evaluation"] is None
    assert sngan["evaluation"] == files[3] == sngan["trials"][0]["evaluation"]
    row = next(row for row in document["scores"] if row["key"] == FRECHET)
    assert row["values"]["spn"]["by_seed"] == {"0": 12.3, "1": 12.0, "2": 12.2}


def test_the_page_shows_each_training_and_how_they_learn() -> None:
    columns = [
        column(trained(arm, seed, 10.0 + seed), *curves(seed, pace=pace))
        for arm, pace in (("sngan", 1.0), ("spn", 1.5))
        for seed in (0, 1)
    ]
    page = comparison_page(Comparison(with_arms(columns)))
    shown = Page(page).text
    assert "Each training" in shown and "spn-s1" in shown and "What it comes to" in shown
    assert f"validation/{FRECHET} over images" in shown and f"validation/{FRECHET} over seconds of training" in shown
    assert page.count('class="trial"') == 8 and page.count('class="mean"') == 4
    assert "loss/generator" in shown, "the other curves stay"
    single = comparison_page(Comparison(with_arms(columns[:1] + columns[2:3])))
    assert "Each training" not in single and single.count('class="mean"') == 4 and 'class="trial"' not in single


def test_without_curves_or_seconds_there_is_no_such_chart() -> None:
    both = [trained("sngan", 0, 1.0), trained("spn", 0, 2.0)]
    assert "How they learn" not in comparison_page(arms(*both))
    distance, *_ = curves(0)
    page = comparison_page(Comparison(with_arms(column(one, distance) for one in both)))
    assert "over images" in page and "over seconds" not in page
