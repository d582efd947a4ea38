"""`facesynth status`, as it is typed."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from facesynth.report import Report
from facesynth.training.folder import RunFolder
from tests.cli.test_main import ended
from tests.jobs.status.conftest import HALF, MakeRun, left_by, make_run

__all__ = ["make_run"]

ROW = {"nimg": 250, "loss/l1": 0.3, "images_per_second": 50.0, "validation/l1": 0.5}


@pytest.fixture
def run(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")  # no GPU's driver
    return make_run("small", [ROW])


def test_one_run_in_words(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunFolder(run).locked():
        assert ended(["status", "small"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("small: running, process ")
    assert re.fullmatch(r"  images       250 of 1,000 \(25\.0%\), 50 a second, about \d+ s left", lines[1])
    assert lines[2].startswith("  losses       loss/l1 0.3 (")
    assert lines[3] == "  scores       validation/l1 0.5 (after 250 images)"


def test_all_runs_a_line_each_and_what_is_no_run_too(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run.parent / "foreign\x1b[2J").mkdir()
    assert ended(["status"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "not a training run" in first and "\x1b" not in first
    assert second.split()[:5] == ["small", "stopped", "250", "images", "25%"]
    assert ended(["status", "--runs", "nowhere"]) == 2
    assert ended(["status", "foreign\x1b[2J"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_machines_get_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run.parent / "foreign").mkdir()
    assert ended(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gpus"] == [] and [one["what"] for one in told["runs"]] == ["unknown", "run"]
    assert "not a training run" in told["runs"][0]["error"]
    assert ended(["status", "small", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert 0 <= told["runs"][1].pop("last_row_age") <= one.pop("last_row_age") < 600
    assert one.pop("gpus") == [] and one == told["runs"][1]
    assert (one["state"], one["images"], one["share"], one["folder"]) == ("stopped", 250, 0.25, "runs/small")
    assert one["losses"] == {"loss/l1": 0.3} and one["scores"] == {"validation/l1": 0.5}


def test_following_it_tells_what_is_new_and_ends_with_the_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def train() -> None:
        with RunFolder(run).locked():
            held.set()
            for nimg in (500, 1000):
                time.sleep(0.4)
                with (run / "stats.jsonl").open("a") as file:
                    file.write(json.dumps({**ROW, "nimg": nimg}) + "\n")
            time.sleep(0.4)
            (run / "small.safetensors").touch()

    held = threading.Event()
    thread = threading.Thread(target=train)
    thread.start()
    held.wait(20)
    assert ended(["status", "small", "--follow", "--interval", "0.05", "--json"]) == 0
    thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["images"], line["state"]) for line in lines] == [
        (250, "running"), (500, "running"), (1000, "running"), (1000, "finished"),
    ]  # fmt: skip


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs").mkdir()
    return Path("pairs")


def test_a_job_on_another_machine_in_words(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left_by(pairs, HALF)
    assert ended(["status", "pairs"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pairs: segment, running, process 7 on node-3 since 2026-01-01T00:00:00Z",
        "  progress     1,234 of 10,000 (12.3%), 8.2 a second, about 18 min left",
        "  so far       1,200 done, 30 cached, 4 failed",
        "  problem      failed x.jpg: not an image",
    ]
    left_by(pairs, HALF, age=7200)
    left_by(pairs, replace(HALF, what="paint", done=3, total=4, rate=None, eta=None, idle=700.0))
    assert ended(["status", "pairs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pairs: 2 jobs" and "  job          segment, running, process 7" in lines[1]
    assert lines[2] == "  progress     paint: 3 of 4 (75.0%), none finished for 12 min"
    assert "segment, silent for 2 h, process 7" in lines[5] and "left" not in lines[6]
    assert lines[9].startswith("  hint         it may have ended without a word: look on its machine")


def test_following_a_job_tells_how_far_it_is_and_ends_with_its_report(
    pairs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slept(seconds: float) -> None:
        """What happens between two looks, one after the other."""
        next(happens)()

    def ends() -> None:
        file.unlink()
        (pairs / "report.json").write_bytes(Report("segment", complete=True).to_json())

    happens: Iterator[Callable[[], object]]
    further = replace(HALF, done=5000, counts={"done": 5000})
    monkeypatch.setattr("facesynth.cli.status.time.sleep", slept)
    for more in ([], ["--json"]):
        file = left_by(pairs, HALF)
        nothing_new = partial(left_by, pairs, replace(HALF, rate=8.1, eta=1070.0), age=2.0)
        happens = iter([nothing_new, partial(left_by, pairs, further), ends])
        assert ended(["status", "pairs", "--follow", *more]) == 0
        (pairs / "report.json").unlink()
        lines = capsys.readouterr().out.splitlines()
        if more:
            told = [json.loads(line) for line in lines]
            assert [[work["done"] for work in one["work"]] for one in told] == [[1234], [5000], []]
            assert [one["complete"] for one in told] == [False, False, True]
            assert told[0]["work"][0]["rate"] == 8.2 and 1000 < told[0]["work"][0]["eta"] <= 1069
            assert told[0]["work"][0]["process"]["host"] == "node-3"
        else:
            assert lines[4:] == [
                "pairs: segment 5,000 of 10,000 (50.0%), 8.2 a second, about 18 min left, 5,000 done",
                "pairs: segment, all gone through",
                "  items        nothing",
            ]


def test_it_imports_no_torch(run: Path) -> None:
    code = (
        "import sys\nfrom facesynth.cli.main import cli\n"
        "cli.main(['status'], standalone_mode=False)\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


def test_without_tensorboard_it_says_what_to_install(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert ended(["status", "--tensorboard"]) == 1
    assert 'tensorboard is not installed; run: pip install "facesynth[train]"' in capsys.readouterr().err


def test_tensorboard_is_for_this_machine_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With another one in its place: its own takes seconds to start. What it shows is tested with what a run writes."""

    class Served:
        def configure(self, argv: list[str]) -> None:
            given.update(zip(argv[1::2], argv[2::2], strict=True))

        def launch(self) -> str:
            if given["--port"] == "1":
                raise OSError("taken")
            return "http://127.0.0.1:6006/"

    given: dict[str, str] = {}
    program = types.SimpleNamespace(TensorBoard=Served, TensorBoardServerException=OSError)
    monkeypatch.setitem(sys.modules, "tensorboard", types.SimpleNamespace(program=program))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert ended(["status", "--tensorboard"]) == 2
    assert "runs: holds no statistics for TensorBoard" in capsys.readouterr().err
    (run / "tensorboard").mkdir()
    (run / "tensorboard" / "events.out.tfevents.1").touch()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesynth.cli.status.time.sleep", interrupted)
    for named, folder in (([], "runs"), (["small"], "runs/small"), ([str(run)], str(run))):
        assert ended(["status", *named, "--tensorboard"]) == 0
        assert given == {"--logdir": folder, "--host": "127.0.0.1", "--port": "6006", "--load_fast": "false"}
    assert capsys.readouterr().out == "TensorBoard is at http://127.0.0.1:6006/; Ctrl-C ends it\n" * 3
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "events.out.tfevents.1").touch()
    assert ended(["status", "small", "--tensorboard"]) == 0
    assert given["--logdir"] == "small", "a folder that is there goes before a run's name, as without --tensorboard"
    capsys.readouterr()
    assert ended(["status", "--tensorboard", "--port", "1"]) == 1
    assert "TensorBoard cannot be started (taken); choose another --port" in capsys.readouterr().err
    assert ended(["status", "--tensorboard", "--json"]) == 2
