"""Without the cache nothing of the user's photos stays behind, however a command ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from facesynth.cli.temporary_cache import temporary_cache
from facesynth.core.image_files import write_photo
from facesynth.core.stop_signals import STOP_SIGNALS
from tests.painted_stages import flat_photo


@pytest.fixture(autouse=True)
def interruptible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """SIGINT as a terminal sends it: a shell's background job ignores it from the start."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("error", [None, ValueError(), KeyboardInterrupt(), SystemExit(3)])
def test_it_is_gone_at_the_end(tmp_path: Path, error: BaseException | None) -> None:
    def work() -> None:
        with temporary_cache() as folder:
            (folder / "align").mkdir()
            (folder / "align" / "face.png").write_bytes(b"a face")
            assert folder.parent == tmp_path
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)):
            work()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_removing_it_is_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    real = shutil.rmtree

    def rmtree(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(number)
        real(*arguments, **options)

    before = {each: signal.signal(each, signal.default_int_handler) for each in STOP_SIGNALS}
    try:
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", rmtree)
            with temporary_cache() as folder:
                (folder / "face.png").write_bytes(b"a face")
        assert all(signal.getsignal(each) is signal.default_int_handler for each in STOP_SIGNALS)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert not [*tmp_path.iterdir()]


def test_what_threads_write_after_it_was_removed_goes_too(tmp_path: Path) -> None:
    code = (
        "import threading, time\nfrom facesynth.cli.temporary_cache import temporary_cache\n"
        "def write(folder):\n"
        "    while folder.exists(): time.sleep(0.01)\n"
        "    (folder / 'align').mkdir(parents=True)\n"
        "    print('written late', flush=True)\n"
        "with temporary_cache() as folder:\n"
        "    threading.Thread(target=write, args=[folder]).start()\n"
        "    raise KeyboardInterrupt\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "written late" in ended.stdout and "KeyboardInterrupt" in ended.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM to send")
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_command_that_is_stopped_inside_a_long_step_leaves_its_results_and_nothing_else(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "photos").mkdir()
    for index in range(4):
        write_photo(flat_photo((14 * index + 16, 1, 1)), tmp_path / "photos" / f"{index}.png")
    (tmp_path / "temporary").mkdir()
    code = (
        "import signal, sys, time\nimport facesynth.stages.align\nfrom facesynth.cli.main import main\n"
        "from tests.painted_stages import Tiles\n"
        "class Slow(Tiles):\n"
        "    config = {'landmarks': 'none'}\n"
        "    def __call__(self, batch):\n"
        "        if self.computed == 2:\n"
        "            print('at work', flush=True)\n"
        "            time.sleep(60)\n"
        "        return super().__call__(batch)\n"
        "facesynth.stages.align.AlignStage = lambda **options: Slow()\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"if {int(number)} != signal.SIGINT: signal.signal({int(number)}, signal.SIG_DFL)\n"  # nohup ignores SIGHUP
        "main(['align', 'photos', '-o', 'out', '--no-cache', '--batch-size', '2', '--quiet'])\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"at work\n"
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and b"interrupted: " in told and b"starts anew" in told
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert not report["complete"] and len(report["items"]) == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"0.png", "1.png", "report.json"}
    assert not [*(tmp_path / "temporary").glob("facesynth-*")]
