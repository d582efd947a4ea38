"""An evaluation of pictures on the terminal: what stands beside what."""

from __future__ import annotations

from facesynth.cli.evaluate.picture_table import table
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
