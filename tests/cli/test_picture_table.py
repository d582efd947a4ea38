"""An evaluation of pictures on the terminal: what stands beside what."""

from __future__ import annotations

import dataclasses

from facesynth.cli.comparison_table import table as comparison_table
from facesynth.cli.evaluate.picture_table import table
from facesynth.core.labels import Label
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.metrics.segmentation import Agreement
from tests.evaluation.pictures.drawn_evaluations import evaluation


def test_a_score_and_those_at_half_its_count_stand_in_lines_of_their_own() -> None:
    lines = list(table(evaluation()))
    place = next(place for place, line in enumerate(lines) if line.startswith("  FID ↓"))
    assert lines[place].split() == ["FID", "↓", "31.20"], "half against half is not what 31.2 is read against"
    assert lines[place + 1].split() == ["at", "37", "a", "side", "(real", "against", "real", "10.40)", "37.44"]
    assert lines[place].index("31.20") == lines[place + 1].index("37.44")
    assert any(line.startswith("At so many a side: to be compared with each other alone") for line in lines)
    assert "OTHER: what two different photos score." in lines[-3] + lines[-2]


def test_what_the_judge_finds_in_photos_stands_beside_and_no_halves_are_told_of_where_there_are_none() -> None:
    scores = [score for score in evaluation().scores if score.group == "fidelity"]
    lines = list(table(evaluation(scores=tuple(scores))))
    row = next(line for line in lines if line.startswith("  mIoU"))
    assert row.split()[-1] == "0.811" and not any("a side" in line for line in lines)


def test_a_class_that_no_label_map_holds_has_a_dash_whatever_the_judge_sees() -> None:
    found = evaluation()
    hat = found.classes[Label.HAT]
    seen = {setting: Agreement(both=0, truth=0, predicted=500) for setting in hat.pictures}
    classes = [dataclasses.replace(hat, pictures=seen) if row is hat else row for row in found.classes]
    row = next(line for line in table(evaluation(classes=tuple(classes))) if line.startswith("hat "))
    assert row.split()[1:3] == ["–", "–"] and "0.000" not in row
    nowhere = dataclasses.replace(hat, pictures=seen, ceiling=Agreement(0, 0, 3))
    classes = [nowhere if row is hat else row for row in found.classes]
    assert not any(line.startswith("hat ") for line in table(evaluation(classes=tuple(classes))))


def test_names_reach_the_terminal_without_what_controls_it() -> None:
    bad = "\x1b[31mred\nsecond line\udce9"
    found = evaluation(bad, warnings=(bad,))
    compared = Comparison((Column(bad, bad, found, passed_by=(bad,)), Column("b", "b", evaluation("b"))))
    for lines in (list(table(found)), list(comparison_table(compared))):
        assert all(line.isprintable() for line in lines), "a line each, and no escape codes"
        assert any(r"\x1b[31mred\nsecond line\udce9" in line for line in lines)
