"""What a job tells of itself while it works, and what becomes of that."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.core.processes import machine
from facesynth.core.scan import scan
from facesynth.jobs.progress_file import Counted, Pace, Work, shown, work_in
from facesynth.report import Report, Row
from facesynth.training.process_record import ProcessRecord
from tests.jobs.conftest import Listener
from tests.jobs.status.conftest import FAR, left_by


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesynth.jobs.progress_file.EVERY", 0.01)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def until(so: Callable[[], bool]) -> None:
    """Wait for something that comes in a moment, or much later on a busy machine."""
    late = time.monotonic() + 60
    while not so():
        assert time.monotonic() < late, "it never came"
        time.sleep(0.005)


def a_job() -> tuple[Counted, Report]:
    """One that has done two of five things, and failed one of them."""
    counted = Counted(Listener())
    counted.begin(4, "segment")
    counted.more(1)
    counted.advance()
    counted.advance()
    rows = [Row("a.png", "done", ("a.png",)), Row("b\udcff.png", "failed", reason="not an image")]
    report = Report("segment")
    for row in rows:
        report.rows.append(row)
    return counted, report


def test_who_looks_sees_how_far_it_is_until_it_ends(out: Path) -> None:
    counted, report = a_job()
    with shown(out, counted, report, lambda: False):
        until(lambda: bool(work_in(out)))
        (work,) = work_in(out)
        assert (work.command, work.what, work.done, work.total, work.growing) == ("segment", "segment", 2, 5, False)
        assert work.counts == {"done": 1, "cached": 0, "rejected": 0, "failed": 1}
        assert work.problems == ("failed b\udcff.png: not an image",)
        assert work.state == "running" and work.process.pid == os.getpid() and work.process.alive
        counted.advance(3)
        until(lambda: work_in(out)[0].done == 5 and work_in(out)[0].eta is not None)
        with pytest.raises(UsageError, match="no files ending"):
            scan([out], suffixes={".json", ".part"})
    assert not list(out.iterdir())


def test_two_jobs_of_one_folder_tell_each_of_itself(out: Path) -> None:
    (one, report), (two, other) = a_job(), a_job()
    with shown(out, one, report, lambda: False):
        with shown(out, two, other, lambda: True):
            until(lambda: len(work_in(out)) == 2)
        assert [work.growing for work in work_in(out)] == [False]


def test_a_folder_is_not_made_and_a_disk_that_takes_nothing_ends_nothing(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, report = a_job()
    looks: list[bool] = []

    def growing() -> bool:
        looks.append(True)
        return False

    with shown(out / "none", counted, report, growing):
        until(lambda: len(looks) > 2)
    assert not (out / "none").exists()

    def full(*_: object) -> None:
        refused.append(True)
        raise OSError(28, "No space left on device")

    refused: list[bool] = []
    with shown(out, counted, report, lambda: False):
        with monkeypatch.context() as disk:
            disk.setattr("facesynth.core.files.os.replace", full)
            until(lambda: len(refused) > 2)
        until(lambda: bool(work_in(out)))
    assert not list(out.iterdir())


def test_a_killed_one_is_told_and_the_next_run_removes_what_it_left(out: Path) -> None:
    counted, report = a_job()
    work = Pace(counted).look(report, ProcessRecord.of_this_process(), False)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = dataclasses.replace(FAR, machine=machine(), pid=ended.pid)
    files = {
        "killed": left_by(out, dataclasses.replace(work, process=here)),
        "running": left_by(out, dataclasses.replace(work, process=FAR), age=60),
        "silent": left_by(out, dataclasses.replace(work, process=FAR, what="paint"), age=1200),
    }
    (out / ".progress-00000000-1-00000000.json").write_text('{"done": 1')
    (out / ".progress-00000000-2-00000000.json").write_text('{"process": {}, "problems": 3}')
    odd = [("done", "1"), ("rate", "fast"), ("eta", math.inf), ("counts", ["done"]), ("counts", {"done": None})]
    for number, (name, value) in enumerate(odd):
        file = left_by(out, dataclasses.replace(work, process=dataclasses.replace(FAR, pid=100 + number)))
        file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    assert sorted(one.state for one in work_in(out)) == ["killed", "running", "silent"]
    assert {round(one.age, -1) for one in work_in(out)} == {0, 60, 1200}
    os.utime(files["silent"], (time.time() - 4000,) * 2)
    with shown(out, counted, report, lambda: False):
        until(lambda: [one.state for one in work_in(out)] == ["running", "running"])
    assert [one.process.host for one in work_in(out)] == ["node-3"] and not files["killed"].exists()


def test_the_rate_is_that_of_the_last_minutes() -> None:
    now, counted, report = [0.0], Counted(Listener()), Report("segment")
    pace = Pace(counted, clock=lambda: now[0])

    def look(seconds: float, done: int, *, growing: bool = False) -> Work:
        now[0] += seconds
        counted.advance(done)
        return pace.look(report, ProcessRecord.of_this_process(), growing)

    counted.begin(100_000, "segment")
    first = look(3, 0)
    assert (first.rate, first.eta, first.idle) == (None, None, 3)
    cached = look(1, 50_000)
    assert cached.rate == 12_500 * 4 and cached.eta == 1 and cached.idle == 0
    for _ in range(200):
        slow = look(3, 6)
    assert slow.rate == 2 and slow.eta == (50_000 - 1200) / 2
    assert look(3, 6, growing=True).eta is None, "more may turn up"
    for _ in range(100):
        hung = look(3, 0)
    assert (hung.rate, hung.eta, hung.idle) == (None, None, 300)
    counted.begin(10, "paint")
    assert look(3, 0).rate is None and look(3, 6).rate == 2, "another part has a pace of its own"
    counted.begin(10, "load, and paint")
    assert look(3, 0).rate is None and look(60, 0).rate is None and look(3, 6).rate == 2
