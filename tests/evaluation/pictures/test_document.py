"""Evaluations as JSON: what is written comes back, and nothing else is taken for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import InputError
from facesynth.evaluation.pictures.curves import STATS, Curve, training_curves
from facesynth.evaluation.pictures.document import FORMAT, SavedEvaluation, evaluation_json, read_evaluation
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.rows_file import ROWS, SavedRows, write_rows
from tests.evaluation.pictures.drawn_evaluations import evaluation
from tests.fed_pipes import fed_pipe

SAVED_V1 = Path(__file__).parent / "saved-v1.json"
"""An evaluation as the first format had it: drawn faces, made-up scores."""
SAVED_V2 = SAVED_V1.with_name("saved-v2.json")
SAVED_V3 = SAVED_V1.with_name("saved-v3.json")
"""Of two pictures, one of them shown; the rows of both are in saved-v3.jsonl."""

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


def test_a_documents_size_does_not_depend_on_how_many_pictures_were_scored() -> None:
    few, many = (evaluation(faces=faces, cases=evaluation().cases[:4]) for faces in (6, 300))
    rows = [json.loads(evaluation_json(one, ()))["rows"] for one in (few, many)]
    assert rows[0] == rows[1] and len(rows[0]) == 16, "those of the shown ones alone"
    assert abs(len(evaluation_json(few, ())) - len(evaluation_json(many, ()))) < 2000


def test_the_rows_of_all_pictures_lie_beside_and_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    found = evaluation(faces=20, cases=evaluation().cases[:4], sheet=("caf\udce9",))
    odd = dataclasses.replace(next(iter(found.rows)), name="caf\udce9 <b>")
    found = dataclasses.replace(found, rows=(*found.rows, odd))
    rows = write_rows(found.rows, tmp_path / ROWS)
    (tmp_path / "evaluation.json").write_text(evaluation_json(found, (), rows=rows), encoding="utf-8")
    saved = read_evaluation(tmp_path / "evaluation.json").evaluation
    assert len(saved.rows) == 81 and list(saved.rows) == list(found.rows) == list(saved.rows)
    assert saved.warnings == () and saved == found

    (tmp_path / ROWS).write_text((tmp_path / ROWS).read_text().replace("0.3", "0.9"))
    other = read_evaluation(tmp_path / "evaluation.json")
    assert len(list(other.evaluation.rows)) == 16 and "pictures.jsonl beside it is not the one" in other.passed_by[0]
    assert other.evaluation.warnings == (), "it is none of the evaluation's own"
    (tmp_path / ROWS).unlink()
    alone = read_evaluation(tmp_path / "evaluation.json")
    assert len(list(alone.evaluation.rows)) == 16 and alone.passed_by == (), "a document alone is an evaluation too"
    _elsewhere(tmp_path / "evaluation.json", "pictures", "../pictures.jsonl")
    assert "does not lie beside it" in read_evaluation(tmp_path / "evaluation.json").passed_by[0]


@pytest.mark.parametrize(
    ("name", "seen"), [("x\0y", 16), ("x\ud800y", 16), ("x" * 400, 16)], ids=["nul", "half", "long"]
)
def test_a_name_that_no_file_can_have_is_passed_by(tmp_path: Path, name: str, seen: int) -> None:
    found = evaluation(faces=20, cases=evaluation().cases[:4])
    rows = write_rows(found.rows, tmp_path / ROWS)
    (tmp_path / "evaluation.json").write_text(evaluation_json(found, (), rows=rows), encoding="utf-8")
    _elsewhere(tmp_path / "evaluation.json", "pictures", name)
    saved = read_evaluation(tmp_path / "evaluation.json")
    assert len(saved.evaluation.rows) == seen and saved.passed_by[0].endswith("passed by")


def test_pipes_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    found = evaluation()
    rows = write_rows(found.rows, tmp_path / ROWS)
    text = evaluation_json(found, (), rows=rows)
    (tmp_path / "evaluation.json").write_text(text, encoding="utf-8")
    (tmp_path / ROWS).unlink()
    with fed_pipe(tmp_path / ROWS, ""):
        assert "not an ordinary file" in read_evaluation(tmp_path / "evaluation.json").passed_by[0]
    with fed_pipe(tmp_path / "x.json", text), pytest.raises(InputError, match="not an ordinary file"):
        read_evaluation(tmp_path / "x.json")
    with fed_pipe(tmp_path / STATS, '{"nimg": 1, "l1": 2}\n'):
        assert training_curves(tmp_path) == ()


def test_a_damaged_line_of_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / ROWS).write_text('{"name": "a", "setting": "own style", "scores": {"ssim": 1.0}}\n{"name": 3}\n')
    rows = iter(SavedRows(tmp_path / ROWS, 2))
    assert next(rows).scores == {"ssim": 1.0}
    with pytest.raises(InputError, match=r"pictures.jsonl: is damaged \(line 2: "):
        next(rows)
    (tmp_path / ROWS).write_text('{"name": "a", "setting": "own style", "scores": {"ssim": NaN}}\n')
    with pytest.raises(InputError, match=r"is damaged \(line 1: NaN is no number"):
        list(SavedRows(tmp_path / ROWS, 1))


def _elsewhere(path: Path, name: str, file: str) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    document[name]["file"] = file
    path.write_text(json.dumps(document), encoding="utf-8")


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


def _read_changed(tmp_path: Path, change: Callable[[Any], Any]) -> SavedEvaluation:
    document = json.loads(SAVED_V1.read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_evaluation(path)


@pytest.mark.parametrize("path", [SAVED_V1, SAVED_V2, SAVED_V3], ids=lambda path: str(path.name))
def test_what_was_saved_once_stays_readable_for_ever(path: Path) -> None:
    """Never write these files anew: they stand for all that were quoted. A field that they lack needs a default."""
    saved = read_evaluation(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    found = saved.evaluation
    assert [(one.key, one.setting, one.value, one.sd, dict(one.by_seed)) for one in found.scores] == [
        (one["key"], one["setting"], one["value"], one["sd"], {int(seed): v for seed, v in one["by_seed"].items()})
        for one in document["scores"]
    ]
    assert len(found.scores) == 13 and found.subject.sha256 == "ab" * 32 and found.real.digest == "cd" * 32
    assert found.networks[0].name == "judge-efl0-256-v1" and found.left_out[0].reason == "not an image"
    assert found.warnings == ("doubtful",), "nothing in it is unknown"
    assert len(found.classes) == 19 and len(found.rows) == (8 if path == SAVED_V3 else 4) and saved.curves == CURVES[:1]
    again = json.loads(evaluation_json(found, saved.curves))
    for name in document.keys() - {"format", "headline", "scores", "pictures"}:
        assert _within(document[name], again[name]), name


@pytest.mark.parametrize("path", [SAVED_V2, SAVED_V3], ids=lambda path: str(path.name))
def test_the_later_formats_documents_come_back_whole(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    saved = read_evaluation(path)
    again = json.loads(evaluation_json(saved.evaluation, saved.curves))
    assert again["format"] == FORMAT != document["format"] or path == SAVED_V3
    assert all(_within(document[name], again[name]) for name in document.keys() - {"format", "pictures"})
    halves = saved.evaluation.scores[0].halves
    assert halves is not None and halves.count == document["scores"][0]["halves"]["count"]


def test_the_first_versions_floor_becomes_a_note() -> None:
    found = read_evaluation(SAVED_V1).evaluation
    score = found.score("fid", "own style")
    assert score is not None and score.notes[-1].startswith("real against real 10.4, over fewer pictures")
    other = found.score("miou", "own style")
    assert other is not None and other.notes == ()


def _within(old: Any, new: Any) -> bool:
    """Whether all that is in one plain value is in another, which may have more fields."""
    if isinstance(old, dict):
        return all(name in new and _within(one, new[name]) for name, one in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_within, old, new))
    return bool(old == new)


@pytest.mark.parametrize(
    "where",
    [
        ("headline",), ("curves",), ("rows",), ("networks",), ("settings",), ("run",), ("warnings",), ("left_out",),
        ("subject", "precision"), ("real", "missing"), ("scores", 0, "by_seed"), ("scores", 0, "unrelated"),
        ("scores", 2, "notes"), ("cases", 0, "labels_file"), ("rows", 0, "seed"), ("networks", 0, "kind"),
    ],
    ids=str,
)  # fmt: skip
def test_an_optional_field_that_is_missing_takes_its_default(tmp_path: Path, where: tuple[str | int, ...]) -> None:
    def change(document: Any) -> None:
        for step in where[:-1]:
            document = document[step]
        del document[where[-1]]

    saved = _read_changed(tmp_path, change)
    found: Any = saved.evaluation
    if where[0] not in ("headline", "curves"):
        for step in where:
            owner, found = found, found[step] if isinstance(step, int) else getattr(found, step)
        default = {one.name: one for one in dataclasses.fields(owner)}[str(where[-1])]
        expected = default.default if default.default_factory is dataclasses.MISSING else default.default_factory()
        assert found == expected
    assert saved.evaluation.subject.name == "spade-128-v1"


def test_fields_of_a_newer_version_are_passed_by_and_named(tmp_path: Path) -> None:
    def change(document: Any) -> None:
        document["sharpness"] = {"any": ["thing"]}
        for score in document["scores"]:
            score["doubt"] = 0.5
        document["curves"][0]["unit"] = "x"

    saved = _read_changed(tmp_path, change)
    (told,) = saved.passed_by
    assert "newer version of facesynth" in told and "curves[].unit, scores[].doubt, sharpness" in told
    assert saved.evaluation == read_evaluation(SAVED_V1).evaluation, "with its own warnings alone"
    many = _read_changed(tmp_path, lambda document: document.update({f"new{i}": i for i in range(8)}))
    assert "new4 and 3 more" in many.passed_by[0] and "new5" not in many.passed_by[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("subject"), "has no 'subject'"),
        (_without("scores"), "has no 'scores'"),
        (_with({"key": "fid"}, "scores", 0), "scores[0]: has no 'label'"),
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
        (_with([1.7e308, -1.7e308], "curves", 0, "values"), "the curve validation/l1 has a number beyond 1e+100"),
        (_with([-1.7e308, 1.7e308], "curves", 0, "images"), "the curve validation/l1 has a number beyond 1e+100"),
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
        (b'{"format": "facesynth-picture-evaluation-9"}', "written by a newer version of facesynth (its format is"),
        (b'{"format": "facesynth-picture-evaluation-x"}', "'facesynth-picture-evaluation-x', which is not known here"),
    ],
    ids=["empty", "picture", "deep", "nan", "list", "nothing", "label maps", "newer", "other"],
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


def test_settings_that_could_not_be_written_again_are_damage(tmp_path: Path) -> None:
    path = written(tmp_path, evaluation())
    path.write_text(path.read_text().replace('"settings": {', '"settings": {"x": 1e999,'))
    with pytest.raises(InputError, match="inf is no number"):
        read_evaluation(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_evaluation(tmp_path / "gone.json")
