"""What is told of a training run while it trains, and after whatever has ended it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from facesynth.core.errors import TrainingError, UsageError
from facesynth.jobs.status.job_folder import JobStatus
from facesynth.jobs.status.overview import look_at, look_at_all
from facesynth.jobs.status.training_run import RunStatus, read_run
from facesynth.training.folder import RunFolder
from facesynth.training.process_record import FILE, read_record
from tests.jobs.status.conftest import MakeRun

ROWS = [
    {"nimg": 100, "loss/l1": 0.5, "images_per_second": 40.0},
    {"nimg": 200, "loss/l1": 0.4, "images_per_second": 45.0, "validation/l1": 0.6, "validation/fid": 30.0},
    {"nimg": 400, "loss/l1": 0.3, "images_per_second": 50.0},
]

_HOLD = """
import sys, time
from pathlib import Path
from facesynth.core.stop_signals import interrupt_on_stop_signals
from facesynth.training.folder import RunFolder
interrupt_on_stop_signals()
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def trained_elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the run."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_run_that_trains_in_another_process(make_run: MakeRun) -> None:
    folder = make_run(rows=ROWS)
    with (folder / "stats.jsonl").open("a") as file:
        file.write('{"nimg": 500, "loss/l1')  # as one sees it that is being written
    for name in ("checkpoint-0000000200.pt", "checkpoint-0000000400.pt", "checkpoint-0000000500.tmp"):
        (folder / name).touch()
    (folder / "best.json").write_text('{"measure": "validation/fid", "value": 30.0, "nimg": 200}')
    (folder / "one-best.safetensors").touch()
    (folder / "samples").mkdir()
    (folder / "samples" / "0000000400.png").touch()
    before = sorted(folder.rglob("*"))
    with trained_elsewhere(folder) as process:
        there = sorted({*before, folder / ".lock", folder / FILE})
        run = read_run(folder)
        assert sorted(folder.rglob("*")) == there, "it only looks"
        assert run.process is not None and run.process.pid == process.pid
        assert (run.state, run.images, run.images_wanted, run.share, run.rate) == ("running", 400, 1000, 0.4, 50.0)
        assert run.eta is not None and run.last_row_age is not None
        assert run.eta + run.last_row_age == pytest.approx(12), "600 images at 50 a second, less since it told so"
        assert run.losses == {"loss/l1": 0.3}
        assert run.scores == {"validation/l1": 0.6, "validation/fid": 30.0} and run.scores_at == 200
        assert run.checkpoints == (200, 400) and run.weights == ("one-best.safetensors",) and run.samples == 1
        assert run.best is not None and run.best["value"] == 30.0 and run.error is None
        with pytest.raises(TrainingError, match="another process"), RunFolder(folder).locked():
            pass
        assert read_run(folder).state == "running", "who was turned away has left no word"


@pytest.mark.parametrize(
    ("number", "state"), [(signal.SIGKILL, "killed"), (signal.SIGTERM, "stopped"), (signal.SIGINT, "stopped")]
)
def test_what_a_signal_has_ended(make_run: MakeRun, number: signal.Signals, state: str) -> None:
    folder = make_run(rows=ROWS)
    with trained_elsewhere(folder) as process:
        process.send_signal(number)
        process.wait(timeout=30)
    run = read_run(folder)
    assert run.state == state and run.eta is None and run.images == 400


def test_what_an_error_has_ended_tells_it(make_run: MakeRun) -> None:
    folder = make_run(rows=ROWS)
    with pytest.raises(TrainingError), RunFolder(folder).locked():
        raise TrainingError("diverged at image 480: loss/l1 is not finite", where=folder, hint="lower it")
    run = read_run(folder)
    assert run.state == "failed" and run.error == f"{folder}: diverged at image 480: loss/l1 is not finite; lower it"
    with pytest.raises(ZeroDivisionError), RunFolder(folder).locked():
        raise ZeroDivisionError("one by zero")
    assert read_run(folder).error == "ZeroDivisionError: one by zero"
    with RunFolder(folder).locked():
        assert read_run(folder).state == "running" and read_run(folder).error is None
    assert read_run(folder).state == "stopped"


def test_a_run_has_finished_that_wrote_its_weights(make_run: MakeRun) -> None:
    folder = make_run(rows=ROWS)
    with RunFolder(folder).locked():
        (folder / "one.safetensors").touch()
    assert read_run(folder).state == "finished"
    os.utime(folder / "one.safetensors", (1, 1))
    with RunFolder(folder).locked():  # gone on with for more images, and stopped
        pass
    assert read_run(folder).state == "stopped"


def test_a_number_that_another_process_has_got_since_is_not_the_run_s(make_run: MakeRun) -> None:
    folder = make_run(rows=ROWS)
    with RunFolder(folder).locked():
        record = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**record, "born": "1"}))
    assert read_run(folder).state == "killed", "this process lives, but it is another one"


@pytest.mark.parametrize("whole", [False, True])
def test_a_run_on_another_machine_or_of_an_older_facesynth_goes_by_its_lock(make_run: MakeRun, whole: bool) -> None:
    folder = make_run(rows=ROWS)
    with RunFolder(folder).locked():
        record = json.loads((folder / FILE).read_text())
        if whole:
            (folder / FILE).write_text(json.dumps({**record, "machine": "00000000", "host": "far", "pid": 1}))
        else:
            (folder / FILE).unlink()
        assert read_run(folder).state == "running"
    if whole:
        (folder / FILE).write_text(json.dumps({**record, "machine": "00000000", "host": "far", "pid": 1}))
        assert read_run(folder).state == "killed"
    else:
        (folder / FILE).unlink()
        assert read_run(folder).state == "stopped"
        (folder / "one.safetensors").touch()
        assert read_run(folder).state == "stopped", "400 of 1000 images"


def test_a_run_that_is_limited_by_time(make_run: MakeRun) -> None:
    folder = make_run(rows=[{"nimg": 100, "seconds": 30.0, "images_per_second": 1.0}], seconds=90.0)
    with RunFolder(folder).locked():
        run = read_run(folder)
    assert run.share == pytest.approx(1 / 3) and run.eta is not None and run.last_row_age is not None
    assert run.eta + run.last_row_age == pytest.approx(60)
    assert (run.seconds, run.seconds_wanted) == (30.0, 90.0)


def test_a_run_that_has_not_begun_to_train(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "fresh").locked():
        run = read_run(tmp_path / "fresh")
        assert (run.state, run.images, run.images_wanted, run.share, run.kind) == ("running", 0, None, None, None)


def test_long_statistics_are_read_from_their_end(make_run: MakeRun) -> None:
    folder = make_run(rows=[])
    with (folder / "stats.jsonl").open("w") as file:
        for nimg in range(1, 60_001):
            file.write(json.dumps({"nimg": nimg, "loss/a-rather-long-name-of-a-loss": 0.25}) + "\n")
    began = time.perf_counter()
    run = read_run(folder)
    assert run.images == 60_000 and run.losses == {"loss/a-rather-long-name-of-a-loss": 0.25}
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": []}', '{"data": 1}', "\ud83d"])
def test_a_recipe_that_is_none_is_one_line(make_run: MakeRun, text: str) -> None:
    folder = make_run()
    (folder / "run.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(TrainingError, match=r"run\.json: not a run's recipe") as caught:
        read_run(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": 1}', "nonsense"])
def test_a_damaged_record_of_the_process_is_passed_by(make_run: MakeRun, text: str) -> None:
    folder = make_run(rows=[{"nimg": "many"}, {"nimg": 7}])
    (folder / FILE).write_text(text)
    (folder / "best.json").write_text(text)
    assert read_record(folder) is None
    assert (read_run(folder).state, read_run(folder).images) == ("stopped", 7)


def test_runs_are_found_by_name_or_folder_and_foreign_folders_are_one_line_each(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(rows=ROWS)
    runs = folder.parent
    (runs / "foreign").mkdir()
    (runs / "half").mkdir()
    (runs / "half" / "run.json").write_text("{")
    (runs / "a-file").touch()
    all_of_them = dict(look_at_all(runs))
    assert sorted(all_of_them) == ["foreign", "half", "one"]
    assert isinstance(all_of_them["one"], RunStatus)
    assert str(all_of_them["foreign"]) == f"{runs / 'foreign'}: not a training run: it holds no run.json"
    assert "not a run's recipe" in str(all_of_them["half"])
    for named in ("one", str(folder)):
        assert not isinstance(found := look_at(named, runs), JobStatus) and found.name == "one"
    monkeypatch.chdir(folder)
    assert not isinstance(found := look_at(".", runs), JobStatus) and found.name == "one"
    with pytest.raises(UsageError, match="other: no such run; there are: half, one"):
        look_at("other", runs)
    with pytest.raises(UsageError, match="there are none in"):
        look_at("other", tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="neither a training run"):
        look_at("foreign", runs)
    with pytest.raises(TrainingError, match="a file, not the folder of a run"):
        look_at(str(runs / "a-file"), runs)
    with pytest.raises(UsageError, match="no folder of runs"):
        look_at_all(tmp_path / "nowhere")
