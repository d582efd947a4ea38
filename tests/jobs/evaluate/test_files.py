"""The files of an evaluation in a folder: what an earlier one left there, and where rows are written."""

from __future__ import annotations

import dataclasses
import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from facesynth.core.refs import sha256_file
from facesynth.evaluation.pictures.document import read_evaluation
from facesynth.evaluation.pictures.kept_faces import FACES
from facesynth.evaluation.pictures.results import PictureEvaluation, PictureRow
from facesynth.evaluation.pictures.rows_file import ROWS
from facesynth.jobs.evaluate.files import (
    DOCUMENT,
    EvaluationFiles,
    MapContents,
    picture_contents,
    write_evaluation,
)
from facesynth.outputs import OutputTree
from tests.evaluation.pictures.drawn_evaluations import evaluation

BARE: dict[str, Any] = {"rows": (), "cases": (), "sheet": (), "extremes": ()}


def write(folder: Path, found: PictureEvaluation) -> None:
    EvaluationFiles.into(folder, [], [], faces=True).write(picture_contents(found))


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_an_earlier_evaluation_wrote_goes_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, evaluation(shown=4))
    for name in ("notes.txt", f"{FACES}/mine.jpg", f"{FACES}/9-own.jpg"):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / FACES / "4-own.jpg").write_bytes(b"another picture under its name")
    write(tmp_path, evaluation(shown=2))
    kept = {path.name for path in (tmp_path / FACES).iterdir()}
    assert kept - {"mine.jpg", "9-own.jpg", "4-own.jpg"} == {name for name in kept if name[0] in "12"}
    assert len(kept) == 2 * 7 + 3 and (tmp_path / ROWS).is_file()
    write(tmp_path, evaluation(**BARE))
    assert names(tmp_path) == {
        DOCUMENT, "report.html", "notes.txt", f"{FACES}/mine.jpg", f"{FACES}/9-own.jpg", f"{FACES}/4-own.jpg",
    }  # fmt: skip


def test_an_evaluation_of_label_maps_takes_its_place_whole(tmp_path: Path) -> None:
    write(tmp_path, evaluation(shown=1))
    maps = MapContents({DOCUMENT: lambda: b"{}", "report.html": lambda: b"maps"})
    EvaluationFiles.into(tmp_path, [], []).write(maps)
    assert names(tmp_path) == {DOCUMENT, "report.html"}


def test_a_file_that_another_one_named_so_is_left(tmp_path: Path) -> None:
    write(tmp_path, evaluation(shown=1))
    (tmp_path / ROWS).write_bytes(b"another one's")
    (tmp_path / "data.jsonl").write_bytes(b"mine")
    document = json.loads((tmp_path / DOCUMENT).read_bytes())
    document["pictures"] = {"file": "data.jsonl", "count": 1, "sha256": sha256_file(tmp_path / "data.jsonl")}
    (tmp_path / DOCUMENT).write_text(json.dumps(document))
    write(tmp_path, evaluation(**BARE))
    assert names(tmp_path) == {DOCUMENT, "report.html", ROWS, "data.jsonl"}


def test_an_input_in_its_place_is_never_removed(tmp_path: Path) -> None:
    write(tmp_path, evaluation(shown=1))
    inputs = [tmp_path / ROWS, *(tmp_path / FACES).iterdir()]
    EvaluationFiles.into(tmp_path, [], inputs).write(picture_contents(evaluation(**BARE)))
    assert all(path.is_file() for path in inputs)


def test_rows_of_the_shown_pictures_are_never_passed_off_as_those_of_all(tmp_path: Path) -> None:
    found = evaluation(faces=20, cases=evaluation().cases[:4])
    write(tmp_path / "whole", found)
    (tmp_path / "whole" / ROWS).unlink()
    saved = read_evaluation(tmp_path / "whole" / DOCUMENT).evaluation
    assert 0 < len(saved.rows) < len(found.rows)
    with OutputTree(tmp_path / "copy", [], []) as tree:
        write_evaluation(tree, saved, (), PurePosixPath())
    document = json.loads((tmp_path / "copy" / DOCUMENT).read_bytes())
    assert document["pictures"] is None and not (tmp_path / "copy" / ROWS).exists()
    assert len(document["rows"]) == len(saved.rows)


def test_rows_need_no_room_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    write(tmp_path / "out", evaluation())
    assert not any(path.name.startswith(".") for path in (tmp_path / "out").iterdir()), "nothing stays aside"


class NoRoom:
    """Rows in the midst of which the disk is full."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[PictureRow]:
        yield next(iter(evaluation().rows))
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device") as told:
        write(tmp_path / "out", dataclasses.replace(evaluation(), rows=NoRoom()))
    assert told.value.filename == str(tmp_path / "out") and "make room" in str(told.value)
    assert not list((tmp_path / "out").iterdir())
