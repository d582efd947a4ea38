"""A worker's process: what it does when it or its server ends, and what is done when it cannot be had or heard."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import DeviceError
from facesynth.core.styles import Style
from facesynth.serving.settings import Settings
from facesynth.serving.worker.handle import Worker
from facesynth.serving.worker.process import Answers, Batch, Unexpected, Unready, answers
from facesynth.serving.worker.tasks import Answer, Loaded, Paint, Task
from tests.serving import drawn_computing
from tests.serving.drawn_requests import labels

PAINT = Paint(labels(), Style.from_seed(0))


class Heard:
    """What a worker has told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def ready(self, worker: Worker, loaded: Loaded) -> None:
        self.events.append("ready")

    def unready(self, worker: Worker, message: Unready) -> None:
        self.events.append("unready")

    def answered(self, worker: Worker, told: Answers) -> None:
        self.events.append("answered")

    def ended(self, worker: Worker) -> None:
        self.events.append("ended")

    async def until(self, event: str) -> None:
        """Wait for an event."""
        end = time.monotonic() + 30
        while event not in self.events:
            assert time.monotonic() < end, self.events
            await asyncio.sleep(0.02)


class Unreadable:
    """Answers by what the server cannot read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, (os.getpid(),)


def _refuse(pid: int) -> None:
    if os.getpid() != pid:
        raise ValueError("this is no message")


class Garbling(drawn_computing.Drawn):
    """Answers what cannot be read."""

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        return [Unreadable() for _ in tasks]  # type: ignore[misc]


def load_garbling(settings: Settings, device: str) -> Garbling:
    """Its loader."""
    return Garbling(settings, device)


def test_a_worker_whose_answers_cannot_be_read_is_ended() -> None:
    async def scenario() -> None:
        heard = Heard()
        worker = Worker(Settings(), "cpu", load_garbling, heard)
        worker.start()
        await heard.until("ready")
        worker.give(Batch(0, (PAINT,)))
        await heard.until("ended")
        assert heard.events == ["ready", "ended"]
        await worker.stop()

    asyncio.run(scenario())


def test_a_worker_that_cannot_be_told_anything_is_ended() -> None:
    async def scenario() -> None:
        heard = Heard()
        worker = Worker(Settings(), "cpu", drawn_computing.load, heard)
        worker.start()
        await heard.until("ready")
        worker.give(Batch(0, (lambda: None,)))  # type: ignore[arg-type]  # cannot be pickled
        await heard.until("ended")
        await worker.stop()

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl-C reaches all of its processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_told_to_stop_while_python_starts_in_it_gets_ready(number: signal.Signals) -> None:
    async def scenario() -> None:
        heard = Heard()
        worker = Worker(Settings(), "cpu", drawn_computing.load, heard)
        worker.start()
        assert worker.pid is not None
        for _ in range(10):  # from its first moment on
            os.kill(worker.pid, number)
            await asyncio.sleep(0.02)
        await heard.until("ready")
        os.kill(worker.pid, number)
        worker.give(Batch(0, (PAINT,)))
        await heard.until("answered")
        assert heard.events == ["ready", "answered"]
        await worker.stop()

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    asyncio.run(scenario())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted by /proc")
def test_a_process_that_cannot_be_started_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: SpawnProcess) -> None:
        raise OSError(11, "no process is to be had")

    async def scenario() -> None:
        worker = Worker(Settings(), "cpu", drawn_computing.load, Heard())
        resource_tracker.ensure_running()
        before = len(os.listdir("/proc/self/fd"))
        kept = []  # as a log keeps them, with what they hold
        for _ in range(3):
            with pytest.raises(OSError, match="no process") as raised:
                worker.start()
            kept.append(raised)
        assert worker.pid is None and len(os.listdir("/proc/self/fd")) == before
        await worker.stop()

    context = multiprocessing.get_context("spawn")
    monkeypatch.setattr(context.Process, "start", refused)
    asyncio.run(scenario())


SERVER = """
import asyncio, sys
from facesynth.serving.settings import Settings
from facesynth.serving.worker.handle import Worker
from tests.serving import drawn_computing
from tests.serving.test_worker_process import Heard

async def main():
    heard = Heard()
    worker = Worker(Settings(), "cpu", drawn_computing.load, heard)
    worker.start()
    await heard.until("ready")
    print(worker.pid, flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_worker_whose_server_is_killed_ends(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert alive(pid)
        server.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < end, "the worker outlives its server"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    stat = Path("/proc", str(pid), "stat")
    if Path("/proc/self/stat").exists():
        try:
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("raised", "code"), [(MemoryError(), DeviceError), (OSError(2, "no", "/secret"), Unexpected)])
def test_what_is_raised_is_told_by_its_kind_alone(raised: Exception, code: type) -> None:
    class Raising(drawn_computing.Drawn):
        def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
            raise raised

    (told,) = answers(Raising(Settings(), "cpu"), [PAINT])
    assert isinstance(told, code)
    if isinstance(told, Unexpected):
        assert told.told == "FileNotFoundError" and "/secret" in told.trace
