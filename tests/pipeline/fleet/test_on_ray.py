"""The same on a Ray cluster: one of this machine, with two actors."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from facesynth.core.errors import CacheError, DependencyMissing, DeviceError, UsageError
from facesynth.pipeline import run
from facesynth.pipeline.fleet import on_ray as connecting
from facesynth.pipeline.fleet.on_ray import Room, on_ray
from facesynth.pipeline.fleet.orders import Ready, Unready
from facesynth.pipeline.fleet.ray_actor import TOKEN, ActorBench, ActorPart
from facesynth.store import ArtifactStore
from tests.number_stages import spelled
from tests.pipeline.fleet.number_stages import Tripled, number


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_two_actors_make_what_one_process_makes_though_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Actors look for modules where Python is installed before they look here, and there are `tests` of others there.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (tmp_path / "notes").mkdir()
    store, told = ArtifactStore(tmp_path / "cache"), list[str]()
    stage = Tripled(tmp_path / "notes", seconds=0.05, once=9)
    before = signal.signal(signal.SIGTERM, stopped)
    try:
        with on_ray(2, store.root, address=None, device="cpu", threads=2, note=told.append) as fleet:
            words = spelled(run(stage, map(number, [*range(40), 99]), store, batch_size=4, executor=fleet))
            report = fleet.told()
            assert signal.getsignal(signal.SIGTERM) is stopped, (
                "Ray has one of its own, which would end the run at once"
            )
    finally:
        signal.signal(signal.SIGTERM, before)
    expected = [f"{value}={3 * value}" if value != 13 else "13:unlucky" for value in range(40)]
    assert words == [*expected, "99!99 cannot be tripled"]
    assert len(stage.batches()) >= 2, "actors' processes"
    assert report["executor"] == "ray" and report["workers"] == 2
    assert len(report["lost"]) == len(told) == 1 and "Died" in report["lost"][0]["why"]
    # The killed one may have left a half-written entry beside it.
    assert not list((store.root / ".tmp").glob(f"*/{TOKEN}")), "what proved that all see one store is gone"


def stopped(number: int, frame: object) -> None:
    """A handler of the program's own."""


class StandIn(ModuleType):
    """In Ray's place: one machine, whose actors are `made` here, in another folder, and answer as soon as asked."""

    def __init__(self, made: Callable[[ActorPart], Any], folder: Path) -> None:
        super().__init__("ray")
        self.__spec__ = ModuleSpec("ray", None)
        self._made, self._folder = made, folder

    def init(self, **how: object) -> None:
        self.told = {**how, "reports": os.environ.get("RAY_USAGE_STATS_ENABLED", "1") == "1"}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2.0}}]

    def remote(self, kind: type) -> Any:
        assert kind is ActorBench
        return SimpleNamespace(options=lambda **own: SimpleNamespace(remote=self._started))

    def _started(self, part: ActorPart) -> Any:
        os.chdir(self._folder)
        actor = self._made(part)
        methods = {name: SimpleNamespace(remote=_Asked(getattr(actor, name))) for name in ("ready", "compute", "rest")}
        return SimpleNamespace(**methods)

    def wait(self, asked: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return asked, []

    def get(self, asked: Any) -> Any:
        return asked.future().result()

    def kill(self, actor: Any) -> None:
        """It lives in this process."""

    def shutdown(self) -> None:
        """Nothing was started."""


@dataclass(slots=True)
class _Asked:
    method: Callable[..., Any]

    def __call__(self, *given: Any) -> Any:
        answer: Future[Any] = Future()
        answer.set_result(self.method(*given))
        return SimpleNamespace(future=lambda: answer)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that actors start in; this process is in another one, `here`."""
    (tmp_path / "here" / "notes").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "elsewhere"


def test_a_relative_cache_is_one_cache_and_ray_reports_nothing(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = StandIn(ActorBench, elsewhere)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    store = ArtifactStore(Path("cache"))
    with on_ray(1, store.root, address=None, device="cpu", threads=2, note=print) as fleet:
        given = map(number, range(5))
        words = spelled(run(Tripled(Path("notes").absolute()), given, store, batch_size=2, executor=fleet))
    assert words == [f"{value}={3 * value}" for value in range(5)]
    assert not list(elsewhere.iterdir())
    assert ray.told["reports"] is False and ray.told["include_dashboard"] is False, "nothing is told to Ray's makers"


def test_a_store_that_shows_nothing_of_what_actors_write_ends_the_run(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apart(part: ActorPart) -> ActorBench:
        """An actor that reads this cache, and writes to another that lies at the same path."""
        proof = elsewhere / "proof"
        proof.mkdir()
        (proof / TOKEN).write_text(part.token)
        return ActorBench(replace(part, proof=proof, root=elsewhere))

    monkeypatch.setitem(sys.modules, "ray", StandIn(apart, elsewhere))
    monkeypatch.setattr("facesynth.pipeline.fleet.on_ray._SEEN_WITHIN", 0.0)
    store = ArtifactStore(Path("cache").absolute())
    with (
        on_ray(1, store.root, address=None, device="cpu", threads=2, note=print) as fleet,
        pytest.raises(
            CacheError, match="Ray cluster writes to this cache cannot be seen here; let --cache be a folder"
        ),
    ):
        list(run(Tripled(Path("notes").absolute()), map(number, range(5)), store, batch_size=2, executor=fleet))


def test_a_cluster_whose_machines_are_all_gone_ends_the_run(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray, alive = StandIn(ActorBench, elsewhere), [True, True, False]
    told: list[str] = []
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(ray, "wait", lambda asked, timeout: ([], asked))
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": alive.pop(0), "Resources": {"CPU": 2.0}}])
    store = ArtifactStore(Path("cache").absolute())
    with (
        on_ray(1, store.root, address=None, device="cpu", threads=2, note=told.append) as fleet,
        pytest.raises(DeviceError, match="no machine of the Ray cluster is left; start it again"),
    ):
        list(run(Tripled(Path("notes").absolute()), map(number, range(5)), store, batch_size=2, executor=fleet))
    assert told == ["worker 1 of 1 waits for room on the Ray cluster"]


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        ("import time; time.sleep(60)", r"at 127\.0\.0\.1:9 \(nothing answers in 1 s\); look at --ray-address"),
        ("import sys; sys.exit('ConnectionError: no')", r"at 127\.0\.0\.1:9 \(ConnectionError: no\)"),
    ],
)
def test_an_address_where_no_cluster_answers_is_told_in_time(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, probe: str, told: str
) -> None:
    monkeypatch.setitem(sys.modules, "ray", StandIn(ActorBench, elsewhere))
    monkeypatch.setattr(connecting, "_PROBE", probe)
    monkeypatch.setattr(connecting, "_ANSWERS_WITHIN", 1.0)
    store = ArtifactStore(Path("cache").absolute())
    with (
        pytest.raises(DeviceError, match=told),
        on_ray(1, store.root, address="127.0.0.1:9", device="cpu", threads=2, note=print) as fleet,
    ):
        list(run(Tripled(Path("notes").absolute()), map(number, range(5)), store, batch_size=2, executor=fleet))


@pytest.mark.parametrize(
    ("machines", "count", "device", "room"),
    [
        ([(8, 2), (8, 4)], None, "auto", Room(6, 1, 1)),
        ([(8, 2), (8, 4)], 3, "cuda", Room(3, 1, 1)),
        ([(8, 2), (8, 4)], None, "cpu", Room(2, 8, 0)),
        ([(8, 0), (4, 0)], None, "auto", Room(2, 4, 0)),
        ([(8, 0), (8, 0)], 3, "cpu", Room(3, 4, 0)),
        ([(0, 0), (16, 0), (16, 0)], None, "auto", Room(2, 16, 0)),
    ],
)
def test_actors_take_a_gpu_each_or_share_the_cores(
    machines: list[tuple[int, int]], count: int | None, device: str, room: Room
) -> None:
    assert Room.on(machines, count, device) == room
    assert sum(cpus // room.cpus for cpus, _ in machines) >= room.count


@pytest.mark.parametrize(
    ("machines", "count", "device", "said"),
    [
        ([(8, 2)], 3, "auto", "2 GPUs, not 3; use --devices 2"),
        ([(8, 0)], None, "cuda", "no GPU; use --device cpu"),
        ([(2, 0)], 5, "cpu", "2 CPUs, not 5"),
        ([(0, 0), (0, 0)], None, "cpu", "0 CPUs, not 1"),
    ],
)
def test_more_than_the_cluster_has_is_refused(
    machines: list[tuple[int, int]], count: int | None, device: str, said: str
) -> None:
    with pytest.raises(DeviceError, match=said):
        Room.on(machines, count, device)


def test_an_actor_stands_at_the_same_store_in_the_same_version_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / TOKEN).write_text("abc")
    part = ActorPart(0, 2, "cpu", 2, tmp_path / "cache", tmp_path, "abc", tmp_path)
    assert ActorBench(part).ready() == Ready() and part.seen.is_file()
    wrong = {
        "does not see this cache": (CacheError, replace(part, token="of another store")),
        "does not see this cache, or": (CacheError, replace(part, proof=tmp_path / "not here")),
        "has facesynth": (UsageError, replace(part, version="0.0.1")),
        "does not have this folder": (UsageError, replace(part, folder=tmp_path / "nowhere")),
    }
    for said, (kind, other) in wrong.items():
        answer = ActorBench(other).ready()
        assert isinstance(answer, Unready) and isinstance(answer.error, kind) and said in str(answer.error)


def test_without_ray_a_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyMissing, match=r'pip install "facesynth\[ray\]"'):
        on_ray(None, tmp_path, address=None, device="cpu", threads=2, note=print)
