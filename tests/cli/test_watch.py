"""`--watch` as it is typed, with the tiny networks of the other jobs' tests."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facesynth.core.arrivals import Arrivals, Looked
from facesynth.jobs.progress_file import work_in
from tests.cli.test_jobs import cache, place, tiny
from tests.cli.test_main import ended

__all__ = ["cache", "place", "tiny"]


@pytest.fixture
def stop_when(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """Have Ctrl-C come at the first look at which something is so."""
    real = Arrivals.look

    def set_it(so: Callable[[], bool]) -> None:
        def look(arrivals: Arrivals) -> Looked:
            if so():
                raise KeyboardInterrupt
            return real(arrivals)

        monkeypatch.setattr(Arrivals, "look", look)

    return set_it


def test_segment_and_align_go_on_until_they_are_stopped(
    place: Path, stop_when: Callable[[Callable[[], bool]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    portrait = place / "pairs" / "labels" / "late" / "portrait.png"

    said: list[str] = []

    def stops() -> bool:
        said.append(capsys.readouterr().err)
        if (place / "pairs" / "labels" / "small.png").is_file() and not (place / "photos" / "late").exists():
            (place / "photos" / "late").mkdir()
            shutil.copy(place / "portrait.jpg", place / "photos" / "late")
            (place / "photos" / "text.png").write_text("no image")
        return portrait.is_file() and "photos/text.png" in "".join(said)  # told at once, not at the end

    stop_when(stops)
    given = ["photos", "--watch", "--settle", "0.1", "--log-format", "json"]
    assert ended(["segment", *given, "-o", "pairs"]) == 3
    out, error = capsys.readouterr()
    told = [json.loads(line) for line in ("".join(said) + error).splitlines()]
    assert out == "pairs\n" and "watching photos; Ctrl-C ends it" in [line["message"] for line in told]
    assert [line["input"] for line in told if line["event"] == "problem"] == ["photos/text.png"]
    report = json.loads((place / "pairs" / "report.json").read_bytes())
    assert report["complete"] and report["settings"]["settle"] == 0.1 and len(report["items"]) == 4
    (place / "photos" / "text.png").unlink()
    stop_when((place / "faces" / "late" / "portrait.png").is_file)
    assert ended(["align", *given, "-o", "faces"]) == 0


def test_who_looks_meanwhile_sees_how_far_it_is(
    place: Path,
    stop_when: Callable[[Callable[[], bool]], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("facesynth.jobs.progress_file.EVERY", 0.01)
    seen: list[str] = []
    late = time.monotonic() + 60

    def stops() -> bool:
        assert time.monotonic() < late, "nothing was told"
        if not any(work.done == sum(work.counts.values()) == 3 for work in work_in(place / "pairs")):
            return False
        capsys.readouterr()
        for more in ([], ["--json"]):
            assert ended(["status", "pairs", *more]) == 0
            seen.append(capsys.readouterr().out)
        return True

    stop_when(stops)
    (place / "photos" / "text.png").write_text("no image")
    assert ended(["segment", "photos", "-o", "pairs", "--watch", "--settle", "0.1"]) == 3
    lines = seen[0].splitlines()
    assert lines[0].startswith(f"pairs: segment, running, process {os.getpid()} on ")
    assert lines[1].startswith("  progress     3 of 3 known of so far") and " left" not in lines[1]
    assert lines[2] in ("  so far       2 done, 1 failed", "  so far       2 cached, 1 failed")
    assert lines[3].startswith("  problem      failed photos/text.png: not an image")
    told = json.loads(seen[1])
    assert told["what"] == "job" and told["at_work"] and told["work"][0]["counts"]["failed"] == 1
    assert not list((place / "pairs").glob(".*")), "nothing is left of it"


def test_stopped_before_anything_came_it_has_done_all_there_was(
    place: Path, stop_when: Callable[[Callable[[], bool]], None]
) -> None:
    (place / "empty").mkdir()
    stop_when(lambda: True)
    assert ended(["segment", "empty", "-o", "out", "--watch"]) == 0
    assert json.loads((place / "out" / "report.json").read_bytes())["items"] == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--watch", "--sheet"], "a watch has no last face"),
        (["--watch", "--dry-run"], "leave --watch out"),
        (["--watch", "--no-cache"], "--watch needs the cache"),
        (["--settle", "3"], "--settle is for --watch"),
        (["--watch", "--settle", "0"], "not in the range"),
        (["--watch", "portrait.jpg"], "portrait.jpg: only a folder can be watched"),
    ],
)
def test_what_a_watch_cannot_do_is_told(
    place: Path, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("segment", "align"):
        assert ended([command, "photos", "-o", "out", *more]) == 2
        assert told in " ".join(capsys.readouterr().err.split())
    assert not (place / "out").exists()
