"""The same on a Ray cluster: one of this machine, with two actors."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from facesynth.core.errors import CacheError, DependencyMissing, DeviceError, UsageError
from facesynth.pipeline import run
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
    with on_ray(2, store.root, address=None, device="cpu", threads=2, note=told.append) as fleet:
        words = spelled(run(stage, map(number, [*range(40), 99]), store, batch_size=4, executor=fleet))
        report = fleet.told()
    expected = [f"{value}={3 * value}" if value != 13 else "13:unlucky" for value in range(40)]
    assert words == [*expected, "99!99 cannot be tripled"]
    assert len(stage.batches()) >= 2, "actors' processes"
    assert report["executor"] == "ray" and report["workers"] == 2
    assert len(report["lost"]) == len(told) == 1 and "Died" in report["lost"][0]["why"]
    assert not list((store.root / ".tmp").iterdir()), "what proved that all see one store is gone"


@pytest.mark.parametrize(
    ("machines", "count", "device", "room"),
    [
        ([(8, 2), (8, 4)], None, "auto", Room(6, 1, 1)),
        ([(8, 2), (8, 4)], 3, "cuda", Room(3, 1, 1)),
        ([(8, 2), (8, 4)], None, "cpu", Room(2, 8, 0)),
        ([(8, 0), (4, 0)], None, "auto", Room(2, 4, 0)),
        ([(8, 0), (8, 0)], 3, "cpu", Room(3, 4, 0)),
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
