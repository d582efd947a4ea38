"""What a worker does with an order, looked at from within one process."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import WeightsError
from facesynth.core.refs import Digest, Origin, Rejected, sha256_bytes
from facesynth.pipeline.fleet.bench import Bench
from facesynth.pipeline.fleet.orders import Answers, Asked, Ended, Kept, Order, StageRecipe, packed
from facesynth.pipeline.maker import Maker
from facesynth.store import ArtifactStore, Recipe
from tests.pipeline.fleet.number_stages import Tripled


def bench_at(root: Path) -> Bench:
    return Bench(root, lambda: "cpu", 2)


def recipe(stage: Tripled, value: int) -> Recipe:
    return Maker(stage, None).recipe(sha256_bytes(str(value).encode()))


def order_of(stage: Tripled, *values: int, key: Digest | None = None, replace: bool = False) -> Order:
    asked = (
        Asked(
            Origin(str(value)),
            sha256_bytes(str(value).encode()),
            key or recipe(stage, value).key(),
            partial(int, value),
        )
        for value in values
    )
    items = tuple(packed(one, "tripled") for one in asked)
    return Order(7, packed(StageRecipe.of(stage), "tripled"), items, replace)


def kept(store: ArtifactStore, stage: Tripled, value: int) -> str | None:
    """What lies in the store as the result for a number."""
    entry = store.lookup(stage.name, recipe(stage, value).key())
    return None if entry is None else entry.file("number.txt").read_text()


@pytest.fixture
def stage(tmp_path: Path) -> Tripled:
    (tmp_path / "notes").mkdir()
    return Tripled(tmp_path / "notes")


def test_results_lie_in_the_store_under_the_keys_that_were_asked_for(stage: Tripled, tmp_path: Path) -> None:
    answers = bench_at(tmp_path / "cache")(order_of(stage, 1, 2))
    assert answers == Answers(7, [Kept(), Kept()])
    assert [kept(ArtifactStore(tmp_path / "cache"), stage, value) for value in (1, 2)] == ["3", "6"]


def test_a_stage_that_is_another_one_here_computes_nothing(stage: Tripled, tmp_path: Path) -> None:
    """Other weights under the same name, say: what it made would be taken for what was asked."""
    key = recipe(Tripled(stage.notes, factor=5), 1).key()
    answers = bench_at(tmp_path / "cache")(order_of(stage, 1, key=key))
    assert isinstance(answers, Ended) and isinstance(answers.error, WeightsError)
    assert "is another one in a worker" in str(answers.error) and not stage.batches()
    assert kept(ArtifactStore(tmp_path / "cache"), stage, 1) is None


@pytest.mark.parametrize(("replace", "left"), [(False, "77"), (True, "3")])
def test_what_is_there_is_replaced_where_that_is_asked_for(
    stage: Tripled, tmp_path: Path, replace: bool, left: str
) -> None:
    store = ArtifactStore(tmp_path / "cache")
    store.publish(recipe(stage, 1), {"number.txt": b"77"}, main="number.txt")
    assert bench_at(store.root)(order_of(stage, 1, replace=replace)) == Answers(7, [Kept()])
    assert kept(store, stage, 1) == left


def test_it_rests_once_what_is_being_published_is_published(
    stage: Tripled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, publish = threading.Event(), threading.Event(), Maker.publish

    def slow(self: Maker[Any, Any], recipe: Recipe, result: Mapping[str, bytes] | Rejected, *, replace: bool) -> object:
        begun.set()
        assert go_on.wait(60)
        return publish(self, recipe, result, replace=replace)

    monkeypatch.setattr(Maker, "publish", slow)
    bench = bench_at(tmp_path / "cache")
    computing = threading.Thread(target=bench, args=(order_of(stage, 1),))
    resting = threading.Thread(target=bench.rest)
    computing.start()
    assert begun.wait(60)
    resting.start()
    resting.join(0.2)
    rested_early = not resting.is_alive()
    go_on.set()
    resting.join(60)
    computing.join(60)
    assert not rested_early and not resting.is_alive()
    assert kept(ArtifactStore(tmp_path / "cache"), stage, 1) == "3"


def publish_after_rest(stage: Tripled, root: Path) -> None:
    """Rest, then be given an order; this process ends as a worker does: whatever waits in it."""
    bench = bench_at(root)
    bench.rest()
    threading.Thread(target=bench, args=(order_of(stage, 1),), daemon=True).start()
    while not stage.batches():
        time.sleep(0.01)
    time.sleep(0.3)
    os._exit(5)


def test_nothing_is_published_after_it_rests(stage: Tripled, tmp_path: Path) -> None:
    """Who waits for that kills the process next: what it were writing would be left behind."""
    process = multiprocessing.get_context("spawn").Process(target=publish_after_rest, args=(stage, tmp_path / "cache"))
    process.start()
    process.join(60)
    assert process.exitcode == 5 and stage.batches()
    assert kept(ArtifactStore(tmp_path / "cache"), stage, 1) is None
