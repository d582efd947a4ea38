"""Evaluations as JSON: what is written comes back, and nothing else is taken for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import InputError
from facesynth.evaluation.pictures.curves import Curve
from facesynth.evaluation.pictures.document import FORMAT, evaluation_json, read_evaluation
from facesynth.evaluation.pictures.results import PictureEvaluation
from tests.evaluation.pictures.drawn_evaluations import evaluation

CURVES = (Curve("validation/l1", (10.0, 20.0), (0.5, 0.25)), Curve("loss/kld", (10.0,), (1.0,)))


def written(tmp_path: Path, found: PictureEvaluation, curves: tuple[Curve, ...] = ()) -> Path:
    path = tmp_path / "evaluation.json"
    path.write_text(evaluation_json(found, curves), encoding="utf-8")
    return path


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    found = evaluation(warnings=("doubtful",), run="runs/x")
    saved = read_evaluation(written(tmp_path, found, CURVES))
    assert saved.evaluation == found and saved.curves == CURVES
    assert [case.look for case in saved.evaluation.cases] == [None] * len(found.cases)
    assert evaluation_json(saved.evaluation, saved.curves) == evaluation_json(found, CURVES)
    assert saved.evaluation.headline() == found.headline()


def test_an_evaluation_without_pictures_classes_and_curves_comes_back(tmp_path: Path) -> None:
    bare = evaluation(faces=0, classes=(), regions=(), rows=(), cases=(), sheet=(), extremes=(), left_out=())
    saved = read_evaluation(written(tmp_path, bare))
    assert saved.evaluation == bare and saved.curves == ()


def test_names_that_are_no_unicode_come_back_too(tmp_path: Path) -> None:
    found = evaluation(faces=0, cases=(), sheet=("caf\udce9 <b>",), rows=(), extremes=())
    assert read_evaluation(written(tmp_path, found)).evaluation.sheet == ("caf\udce9 <b>",)


def test_the_document_is_json_for_everybody_and_a_picture_takes_a_line(tmp_path: Path) -> None:
    found = evaluation(faces=5)
    text = evaluation_json(found, CURVES)
    document = json.loads(text)
    assert document["format"] == FORMAT and document["headline"] == found.headline()
    assert document["classes"][3]["label"] == "eye_g" and document["scores"][0]["value"] == 31.2
    lines = text.splitlines()
    assert sum('"setting": "by seed"' in line and '"name": "00003"' in line for line in lines) == 3
    assert len(document["rows"]) == 20 and len(lines) < 1100


def test_a_score_that_is_not_finite_is_never_written() -> None:
    found = evaluation()
    worst = dataclasses.replace(found.scores[0], value=float("inf"))
    with pytest.raises(ValueError, match="inf"):
        evaluation_json(dataclasses.replace(found, scores=(worst,)))


def _without(name: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        del document[name]

    return change


def _with(value: Any, *where: str | int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in where[:-1]:
            document = document[step]
        document[where[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("rows"), "has no 'rows'"),
        (_without("headline"), "has no 'headline'"),
        (_with(1, "more"), "has 'more', which does not belong there"),
        (_with("31.2", "scores", 0, "value"), 'scores[0].value: "31.2", not a number'),
        (_with(True, "scores", 0, "value"), "scores[0].value: true, not a number"),
        (_with(1.5, "scores", 0, "count"), "scores[0].count: 1.5, not a whole number"),
        (_with("sideways", "scores", 0, "better"), "not one of: higher, lower"),
        (_with(["a"], "scores", 0, "better"), "not one of: higher, lower"),
        (_with({"x": 1.0}, "scores", 0, "by_seed"), "'x' is not a whole number"),
        (_with({}, "scores"), "scores: {}, not a list"),
        (_with([], "scores"), "it has no scores"),
        (_with([1, 2, 3], "subject", "size"), "subject.size: a list of 3, not of 2"),
        (_with(None, "subject", "name"), "subject.name: null, not words"),
        (_with("beard", "classes", 0, "label"), "not one of: background, skin"),
        (_with([1.0], "curves", 0, "images"), "the curve validation/l1 has no whole points"),
        (_with("x" * 90, "subject", "count"), "…, not a whole number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_documents_are_told_where(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    path = written(tmp_path, evaluation(), CURVES)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InputError) as told:
        read_evaluation(path)
    assert said in str(told.value) and str(path) in str(told.value) and "evaluate generator" in str(told.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not JSON, or is damaged"),
        (b"\x89PNG\r\n", "is not JSON, or is damaged"),
        (b"[" * 100_000, "is not JSON, or is damaged"),
        (b'{"format": NaN}', "NaN is no number"),
        (b"[]", "no evaluation of pictures"),
        (b"{}", "no evaluation of pictures"),
        (b'{"format": "facesynth-segmentation-evaluation-1"}', "an evaluation of label maps, not of pictures"),
        (b'{"format": "facesynth-picture-evaluation-9"}', "'facesynth-picture-evaluation-9', which is not known here"),
    ],
    ids=["empty", "picture", "deep", "nan", "list", "nothing", "label maps", "newer"],
)
def test_other_files_are_told_from_evaluations(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as told:
        read_evaluation(path)
    assert said in str(told.value)


def test_a_number_beyond_all_bounds_is_damage(tmp_path: Path) -> None:
    path = written(tmp_path, evaluation())
    path.write_text(path.read_text().replace('"value": 31.2', '"value": 1e999'))
    with pytest.raises(InputError, match="a number without bounds"):
        read_evaluation(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_evaluation(tmp_path / "gone.json")
