"""Small pictures kept beside an evaluation: those of its contact sheet, found again as they were or not at all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.document import evaluation_json, read_evaluation
from facesynth.evaluation.pictures.kept_faces import FACES, MOST, kept_faces
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.sheets import SIDE, looked
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.evaluation.pictures.drawn_evaluations import case, evaluation


def saved(folder: Path, found: PictureEvaluation) -> PictureEvaluation:
    """What is read again where the evaluation and what is kept of it are written."""
    kept, files = kept_faces(found)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "evaluation.json").write_text(evaluation_json(kept, ()), encoding="utf-8")
    return read_evaluation(folder / "evaluation.json").evaluation


def looks(found: PictureEvaluation, name: str) -> CasePictures | None:
    there = found.case(name)
    assert there is not None
    return looked(there)


def test_the_contact_sheets_faces_are_kept_and_no_others(tmp_path: Path) -> None:
    found = evaluation(faces=6, shown=2)
    again = saved(tmp_path, found)
    names = {path.name for path in (tmp_path / FACES).iterdir()}
    assert "1-label-map.png" in names and "2-seed-2.jpg" in names and "1-parsed-again.png" in names
    assert len(names) == 2 * 7 and all(name[0] in "12" for name in names)
    shown, drawn = looks(again, "00001"), looks(found, "00001")
    assert shown is not None and drawn is not None and drawn.labels is not None and shown.labels is not None
    assert np.array_equal(shown.labels.ids, drawn.labels.ids) and sorted(shown.seeds) == [0, 1, 2]
    assert shown.own is not None and drawn.own is not None and shown.own.size == drawn.own.size
    assert np.abs(shown.own.pixels.astype(int) - drawn.own.pixels).mean() < 6, "but for JPEG the same"
    assert looks(again, "00004") is None, "not on the sheet: its files are gone"
    text = (tmp_path / "evaluation.json").read_text()
    assert "data:image" not in text and len(text) < 60_000, "pictures of people are no part of the document"


def test_what_is_kept_is_small_and_bounded() -> None:
    def large() -> CasePictures:
        labels = drawn_labels(1, 700)
        return CasePictures(labels=labels, real=drawn_face(labels, 1), own=drawn_face(labels, 2))

    cases = tuple(Case(name=f"{number}", look=large) for number in range(MOST + 3))
    found = evaluation(faces=0, cases=cases, sheet=tuple(one.name for one in cases), rows=(), extremes=())
    kept, files = kept_faces(found)
    assert len(files) == 3 * MOST and sum(map(len, files.values())) < MOST * 40_000 and SIDE < 200
    assert [len(one.kept) for one in kept.cases] == [3] * MOST + [0] * 3


def test_a_picture_that_is_gone_or_another_is_not_shown(tmp_path: Path) -> None:
    again = saved(tmp_path, evaluation(faces=2, shown=2))
    own = tmp_path / FACES / "1-own.jpg"
    own.write_bytes((tmp_path / FACES / "2-own.jpg").read_bytes())
    (tmp_path / FACES / "1-seed-1.jpg").unlink()
    shown = looks(again, "00000")
    assert shown is not None and shown.own is None and sorted(shown.seeds) == [0, 2] and shown.real is not None
    for path in (tmp_path / FACES).glob("1-*"):
        path.unlink()
    assert looks(again, "00000") is None and looks(again, "00001") is not None


def test_a_file_elsewhere_is_never_read(tmp_path: Path) -> None:
    again = saved(tmp_path / "scores", evaluation(faces=1, shown=1))
    (there,) = again.cases
    (tmp_path / "secret.jpg").write_bytes((tmp_path / "scores" / FACES / "1-own.jpg").read_bytes())
    outside = tuple(dataclasses.replace(one, file="../secret.jpg") for one in there.kept if one.view == "own")
    text = evaluation_json(dataclasses.replace(again, cases=(dataclasses.replace(there, kept=outside, look=None),)), ())
    (tmp_path / "scores/evaluation.json").write_text(text, encoding="utf-8")
    assert looks(read_evaluation(tmp_path / "scores/evaluation.json").evaluation, "00000") is None


def test_a_face_that_cannot_be_looked_at_keeps_nothing() -> None:
    gone = dataclasses.replace(case("00000", 0), look=None)
    kept, files = kept_faces(evaluation(faces=1, shown=1, cases=(gone,)))
    assert not files and kept.cases[0].kept == ()
