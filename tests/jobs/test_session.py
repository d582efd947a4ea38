"""What every job's session does, however the job ends."""

from __future__ import annotations

import gc
import json
import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from facesynth.core.errors import OutputError, UsageError, WeightsError
from facesynth.jobs.align import align
from facesynth.jobs.plan import carry_out
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import Listener, Opener, rows
from tests.painted_stages import Brightness, Tiles, painted_stages


def test_a_report_of_its_own_name_is_replaced_whole(tmp_path: Path, opened: Opener) -> None:
    report = tmp_path / "reports" / "one.json"
    for _ in range(2):
        with opened(more={"report_file": report}):
            pass
        assert json.loads(report.read_bytes())["complete"] and [*report.parent.iterdir()] == [report]


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every file that is made whole before it is put in place find no room."""

    def replace(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)


def test_a_report_that_cannot_be_written_leaves_no_draft_and_says_what_to_do(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "reports" / "one.json"
    with (
        pytest.raises(OutputError, match=r"No space left on device.*; make room, or name another --report") as caught,
        opened(more={"report_file": report}),
    ):
        full_disk(monkeypatch)
    assert caught.value.where == str(report) and not [*report.parent.iterdir()]


def test_a_report_that_cannot_be_written_does_not_hide_what_ended_the_run(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(session: Session) -> None:
        with session:
            full_disk(monkeypatch)
            raise KeyboardInterrupt

    session = opened()
    with pytest.raises(KeyboardInterrupt):
        stopped(session)
    assert isinstance(session.execution.progress, Listener)
    assert "No space left on device" in session.execution.progress.notes[-1]


def test_no_output_replaces_what_the_job_reads(photos: Path, opened: Opener) -> None:
    """A style photo that lies where a result would go, under another name too."""
    style = opened().folder / "one.png"
    style.parent.mkdir()
    shutil.copy(photos / "one.png", style)
    other_name = style.with_name("linked.png")
    other_name.hardlink_to(style)
    before = style.read_bytes()
    for named in (style, other_name):
        session = opened(photos / "one.png", more={"reads": [named, "a-name-of-weights"]})
        with session:
            align(session, Tiles())
        assert rows(session) == {"one.png": "failed"} and style.read_bytes() == before
        assert "which is never overwritten" in str(next(iter(session.report.rows)).reason)


@pytest.mark.parametrize("kind", ["input", "style", "linked", "photo", "folder", "pipe", "list"])
def test_a_report_replaces_nothing_but_an_older_report(kind: str, photos: Path, tmp_path: Path, opened: Opener) -> None:
    files = {name: tmp_path / f"{name}.json" for name in ("style", "linked", "photo", "folder", "pipe", "list")} | {
        "input": photos / "one.png"
    }
    shutil.copy(photos / "one.png", files["style"])
    files["linked"].symlink_to(files["style"])
    shutil.copy(photos / "green.png", files["photo"])
    files["folder"].mkdir()
    os.mkfifo(files["pipe"])
    files["list"].write_text('{"command": ["a", "b"], "counts": 3}')
    with pytest.raises(UsageError, match="name another --report"):
        opened(photos / "one.png", more={"report_file": files[kind], "reads": [files["style"]]})


def test_a_report_that_a_result_might_meet_is_refused_at_once(photos: Path, opened: Opener) -> None:
    folder = opened(photos / "one.png").folder
    with pytest.raises(UsageError, match=r"among the results.*let it end in \.json"):
        opened(photos / "one.png", more={"report_file": folder / "one.png"})
    with opened(photos / "one.png", more={"report_file": folder / "told.json"}) as session:
        align(session, Tiles())
    assert json.loads((folder / "told.json").read_bytes())["complete"]


def test_what_came_to_the_report_s_place_meanwhile_is_kept(photos: Path, tmp_path: Path, opened: Opener) -> None:
    report = tmp_path / "report.txt"
    session = opened(photos / "one.png", more={"report_file": report})
    with pytest.raises(UsageError, match="is there already"), session:
        report.write_text("somebody's")
    assert report.read_text() == "somebody's"


def test_an_empty_file_may_become_the_report(tmp_path: Path, opened: Opener) -> None:
    report = tmp_path / "made-by-mktemp"
    report.touch()
    with opened(more={"report_file": report}):
        pass
    assert json.loads(report.read_bytes())["complete"]


def test_a_report_where_an_input_lies_is_refused_at_once(tmp_path: Path, opened: Opener) -> None:
    plan = tmp_path / "out" / "report.json"
    plan.parent.mkdir()
    plan.write_text("kind: plan")
    with pytest.raises(UsageError, match=r"would replace an input; choose another -o"):
        opened(more={"reads": [plan]})


def test_a_run_that_dies_before_its_first_row_leaves_a_report(photos: Path, opened: Opener) -> None:
    """Faces were found and kept by then: something was done."""
    segmenter = Brightness()

    def damaged() -> None:
        raise WeightsError("the weights changed")

    segmenter.before = damaged
    with pytest.raises(WeightsError), opened(photos / "one.png") as session:
        segment(session, segmenter, align=Tiles(), outputs=SegmentOutputs())
    report = json.loads((session.folder / "report.json").read_bytes())
    assert not report["complete"] and not report["items"]


def test_what_this_run_made_is_done_and_not_cached(photos: Path, opened: Opener) -> None:
    """Files of equal content, of which the second is found in the cache that the first has just been put in."""
    for index in range(120):
        shutil.copy(photos / "one.png", photos / f"again{index:03}.png")
    stage = Tiles()
    with opened(*photos.glob("again*.png"), workers=1) as session:
        align(session, stage)
    assert stage.computed < 120, "some were found"
    assert set(rows(session).values()) == {"done"}
    with opened(*photos.glob("again*.png")) as session:
        align(session, Tiles())
    assert set(rows(session).values()) == {"cached"}


def test_the_memory_of_run_does_not_grow_with_what_there_is_to_paint(photos: Path, opened: Opener) -> None:
    """What is to be painted is thought of as it comes: by the first picture, 20,000 of them are not yet."""

    def held(count: int) -> int:
        plan = SynthesizePlan(own=False, others=0, seeds=tuple(range(count)))
        stages, seen = painted_stages(), []

        def stop() -> None:
            seen.append(tracemalloc.get_traced_memory()[0])
            raise KeyboardInterrupt

        stages.synthesize.before = stop  # type: ignore[attr-defined]
        gc.collect()
        tracemalloc.start()
        with pytest.raises(KeyboardInterrupt), opened(photos / "one.png", photos / "sub", out=f"{count}") as session:
            carry_out(session, stages, plan, sheet=False)
        tracemalloc.stop()
        return seen[0]

    held(1000)  # what is imported late and kept
    few, many = held(1000), held(20_000)
    assert many - few < 2_000_000, "100 bytes for each would be 6 MB: there are three faces"
