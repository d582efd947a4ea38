"""What is told of a job, from its output folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from facesynth.core.errors import OutputError
from facesynth.jobs.align import align
from facesynth.jobs.status.job_folder import is_job, read_job
from facesynth.jobs.status.overview import look_at
from facesynth.report import Report, Row, Rows
from tests.jobs.conftest import Opener, opened, photos
from tests.painted_stages import Tiles

__all__ = ["opened", "photos"]


def test_while_it_works_and_after_it(opened: Opener, tmp_path: Path) -> None:
    session, stage = opened(), Tiles()
    working = []

    def look() -> None:
        if stage.computed >= 2:
            working.append(read_job(session.folder) if is_job(session.folder) else None)

    stage.before = look
    with session:
        align(session, stage)
    assert working and working[-1] is not None
    assert working[-1].processes == (os.getpid(),) and working[-1].command is None
    job = look_at(str(session.folder), tmp_path / "runs")
    assert job == read_job(session.folder)
    assert (job.processes, job.command, job.complete) == ((), "job", True)
    assert job.counts == {"done": 3, "cached": 0, "rejected": 1, "failed": 1}
    assert len(job.problems) == 2 and any("text.png: not an image" in problem for problem in job.problems)


def test_only_the_first_rows_of_a_large_report_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(f"{index:02}.png", "failed" if index in (3, 30) else "done") for index in range(40)]
    rows = [replace(row, reason="no image") if row.status == "failed" else row for row in rows]
    (tmp_path / "report.json").write_bytes(Report("segment", rows=Rows(rows)).to_json())
    monkeypatch.setattr("facesynth.jobs.status.job_folder._LOOKED_AT", 20)
    job = read_job(tmp_path)
    assert job.problems == ("failed 03.png: no image",) and job.counts["failed"] == 2


def test_a_report_that_is_cut_off_is_one_line(tmp_path: Path, opened: Opener) -> None:
    with opened() as session:
        align(session, Tiles())
    report = session.folder / "report.json"
    report.write_bytes(report.read_bytes()[:-300])
    with pytest.raises(OutputError, match=r"report\.json: the report cannot be read") as caught:
        read_job(session.folder)
    assert "\n" not in str(caught.value)


def test_a_folder_with_somebody_else_s_report_is_no_job_s(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"title": "sales"}')
    (tmp_path / f".partial-00000000-{os.getpid()}-00000000").mkdir()
    assert not is_job(tmp_path), "nor is one that a process of another machine writes in known to be"
