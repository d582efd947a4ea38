"""Several processes that compute for one run: the same results, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import pytest

from facesynth.core.errors import DeviceError, UsageError, WeightsMissing
from facesynth.core.refs import Done, Failed, Item
from facesynth.core.stop_signals import STOP_SIGNALS
from facesynth.pipeline import run
from facesynth.pipeline.fleet.fleet import Fleet
from facesynth.pipeline.fleet.orders import Answers, Ended
from facesynth.pipeline.fleet.processes import Part, ProcessWorker, processes
from facesynth.pipeline.fleet.worker import Worker
from facesynth.store import ArtifactStore
from tests.number_stages import Doubled, item, spelled
from tests.pipeline.fleet.number_stages import Tripled, number

T = TypeVar("T")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


def fleet_of(count: int, store: ArtifactStore, told: list[str] | None = None) -> Fleet:
    note = (lambda message: None) if told is None else told.append
    return processes(count, store.root, device="cpu", threads=2, note=note)


def files_of(store: ArtifactStore) -> dict[str, bytes]:
    """What lies in a store, but for when it was made."""
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in store.root.rglob("*")
        if path.is_file() and path.name != "manifest.json" and path.parent.name != "runs"
    }


def test_two_workers_make_what_one_process_makes_each_item_once(
    store: ArtifactStore, notes: Path, tmp_path: Path
) -> None:
    alone, given = ArtifactStore(tmp_path / "alone"), [number(value) for value in range(40)]
    expected = spelled(run(Tripled(notes), given, alone, batch_size=4))
    for note in notes.iterdir():
        note.unlink()
    with fleet_of(2, store) as fleet:
        stage = Tripled(notes, together=2)
        assert spelled(run(stage, given, store, batch_size=4, executor=fleet)) == expected
        assert "13:unlucky" in expected
    assert files_of(store) == files_of(alone)
    by_process = stage.batches()
    assert len(by_process) == 2 and os.getpid() not in by_process
    assert sorted(value for own in by_process.values() for batch in own for value in batch) == list(range(40))
    assert len(list((store.root / "runs").iterdir())) == 1, "one run, for the garbage collector"
    with fleet_of(2, store) as fleet:
        assert spelled(run(stage, given, store, executor=fleet)) == [f"{word}*" for word in expected]
        assert fleet.told() == {"executor": "processes"}, "nothing was missing, so no process was started"


def test_what_a_killed_worker_was_at_is_done_by_the_others(store: ArtifactStore, notes: Path) -> None:
    told: list[str] = []
    with fleet_of(2, store, told) as fleet:
        stage = Tripled(notes, seconds=0.02, once=9)
        words = spelled(run(stage, map(number, range(24)), store, batch_size=4, executor=fleet))
        lost = fleet.told()["lost"]
    assert words == [f"{value}={3 * value}" if value != 13 else "13:unlucky" for value in range(24)]
    assert [one["why"].partition(",")[0] for one in lost] == ["killed by SIGKILL"]
    assert len(told) == 1 and "died while it computed" in told[0] and "tried again" in told[0]


def test_an_item_that_kills_again_and_again_fails_alone(store: ArtifactStore, notes: Path) -> None:
    with fleet_of(2, store) as fleet:
        results = list(run(Tripled(notes), map(number, [1, 96, 2, 99, 3, 4]), store, batch_size=3, executor=fleet))
        assert len(fleet.told()["lost"]) == 4, "twice with its batch, twice alone"
    bad = results[1]
    assert isinstance(bad, Failed) and bad.error.where == "96" and "2 workers have died" in bad.error.what
    assert spelled(results[:1] + results[2:]) == ["1=3", "2=6", "99!99 cannot be tripled", "3=9", "4=12"]


def test_where_all_workers_die_again_and_again_the_run_ends_with_one_error(store: ArtifactStore, notes: Path) -> None:
    dying = processes(1, store.root, device="cpu", threads=2, note=print, begin=partial(os._exit, 3))
    with (
        dying as fleet,
        pytest.raises(DeviceError, match="again and again, the last one it ended with code 3"),
    ):
        list(run(Tripled(notes), [number(1)], store, executor=fleet))


class Heard:
    """Who hears of a worker, and keeps what is heard."""

    def __init__(self) -> None:
        self.told: SimpleQueue[object] = SimpleQueue()

    def ready(self, worker: Worker) -> None:
        self.told.put("ready")

    def unready(self, worker: Worker, error: Exception) -> None:
        self.told.put(error)

    def answered(self, worker: Worker, answers: Answers | Ended) -> None:
        self.told.put(answers)

    def ended(self, worker: Worker, why: str) -> None:
        self.told.put(why)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what a process ignores is read in /proc")
def test_a_worker_hears_no_ctrl_c_from_its_first_moment_on(tmp_path: Path) -> None:
    """A terminal sends it to all processes of a command; who started them says when they end."""
    worker, heard = ProcessWorker(Part(0, 1, "cpu", 2, tmp_path)), Heard()
    worker.start(heard)
    assert worker.pid is not None
    try:
        for one in STOP_SIGNALS:
            os.kill(worker.pid, one)
        assert heard.told.get(timeout=60) == "ready"
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
        bits = sum(1 << (one - 1) for one in STOP_SIGNALS)
        assert int(status["SigIgn"], 16) & bits == bits and not int(status["SigBlk"], 16) & bits
    finally:
        worker.stop()
        worker.join()
    assert heard.told.empty()


def refuse() -> None:
    raise ValueError("not here")


def test_a_worker_that_cannot_be_made_ready_says_so_once(tmp_path: Path) -> None:
    part = Part(0, 1, "cpu", 2, tmp_path, refuse)
    worker, heard = ProcessWorker(part), Heard()
    worker.start(heard)
    error = heard.told.get(timeout=60)
    assert isinstance(error, RuntimeError) and "ValueError: not here" in str(error)
    worker.join()
    assert heard.told.empty(), "that it has ended is no news"


def test_an_error_of_the_run_or_a_bug_ends_it(store: ArtifactStore, notes: Path) -> None:
    with fleet_of(1, store) as fleet:
        with pytest.raises(WeightsMissing, match="no weights for 98"):
            list(run(Tripled(notes), map(number, [1, 98]), store, executor=fleet))
        with pytest.raises(RuntimeError, match="TypeError: a bug") as caught:
            list(run(Tripled(notes), map(number, [2, 97]), store, executor=fleet))
        assert "number_stages.py" in caught.value.__notes__[0]
        assert spelled(run(Tripled(notes), [number(3)], store, executor=fleet)) == ["3=9"], "the worker lives on"


def test_what_is_damaged_is_made_anew_here_and_computed_there(store: ArtifactStore, notes: Path) -> None:
    mended: list[str] = []
    first = Tripled(notes, factor=5)
    made = list(run(first, map(number, range(1, 4)), store, on_mended=lambda origin, _: mended.append(str(origin))))
    given = [result.ref for result in made if isinstance(result, Done)]
    (damaged,) = (path for path in store.root.rglob("number.txt") if path.read_text() == "10")
    damaged.write_text("77")
    with fleet_of(1, store) as fleet:
        assert spelled(run(Tripled(notes), given, store, executor=fleet)) == ["1=15", "2=30", "3=45"]
    assert mended == ["2"] and damaged.read_text() == "10"


def test_stages_that_feed_each_other_share_the_workers(store: ArtifactStore, notes: Path) -> None:
    with fleet_of(2, store) as fleet:
        fives = run(Tripled(notes, factor=5), map(number, range(30)), store, batch_size=4, executor=fleet)
        feed = (result.ref for result in fives if isinstance(result, Done))
        words = spelled(run(Tripled(notes), feed, store, batch_size=4, executor=fleet))
    assert words == [f"{value}={15 * value}" for value in range(30) if value != 13]


def test_items_are_not_read_further_ahead_than_workers_can_use(store: ArtifactStore, notes: Path) -> None:
    pulled = 0

    def endless() -> Iterator[Item[int]]:
        nonlocal pulled
        while True:
            pulled += 1
            yield number(1000 + pulled)

    with fleet_of(2, store) as fleet:
        results = run(Tripled(notes, seconds=0.01), endless(), store, batch_size=4, executor=fleet)
        furthest = max(pulled - done for done, _ in zip(range(80), results, strict=False))
        results.close()
    # two workers with two batches each, two that wait, and what is looked up ahead of them by the chunk
    assert furthest < 6 * 4 + 5 * 32


def test_what_cannot_be_sent_is_refused_in_a_line(store: ArtifactStore, notes: Path, tmp_path: Path) -> None:
    with fleet_of(1, store) as fleet:
        with pytest.raises(UsageError, match="cannot be sent to another process"):
            list(run(Tripled(notes), [item(1)], store, executor=fleet))
        with pytest.raises(UsageError, match="doubled is no dataclass"):
            list(run(Doubled(), [number(1)], store, executor=fleet))
        for other in (None, ArtifactStore(tmp_path / "other")):
            with pytest.raises(UsageError, match="another store, or none"):
                list(run(Tripled(notes), [number(1)], other, executor=fleet))


def test_workers_end_with_their_run_and_with_a_process_that_is_killed(notes: Path, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom facesynth.pipeline import run\n"
        "from facesynth.pipeline.fleet.processes import processes\nfrom facesynth.store import ArtifactStore\n"
        "from tests.pipeline.fleet.number_stages import Tripled, number\n"
        "if __name__ == '__main__':\n    store = ArtifactStore(Path(sys.argv[1]) / 'cache')\n"
        "    with processes(2, store.root, device='cpu', threads=2, note=print) as fleet:\n"
        "        stage = Tripled(Path(sys.argv[2]), seconds=60)\n"
        "        list(run(stage, map(number, range(8)), store, batch_size=2, executor=fleet))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for how in (signal.SIGKILL, signal.SIGINT):
        for note in notes.iterdir():
            note.unlink()
        command = [sys.executable, str(script), str(tmp_path), str(notes)]
        parent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait_for(lambda: len(Tripled(notes).batches()) == 2)
            workers = list(Tripled(notes).batches())
            parent.send_signal(how)
            parent.wait(20)
            _wait_for(partial(_all_gone, workers), 10)
        finally:
            parent.kill()


def _wait_for(what: Callable[[], T], seconds: float = 60.0) -> T:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def _all_gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in processes)
