"""The queue by itself, between requests that are coroutines and workers that do nothing by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from facesynth.core.images import Photo
from facesynth.core.styles import Style
from facesynth.serving.metrics import Metrics
from facesynth.serving.problems import Problem
from facesynth.serving.queue import dispatcher as module
from facesynth.serving.queue.dispatcher import Dispatcher
from facesynth.serving.settings import Limits, Settings
from facesynth.serving.worker.process import Answers, Batch, Unexpected
from facesynth.serving.worker.tasks import Generator, Loaded, Paint
from tests.serving import drawn_computing
from tests.serving.drawn_requests import labels

PAINT = Paint(labels(), Style.from_seed(0))
PICTURE = Photo(np.zeros((8, 8, 3), dtype=np.uint8))
GENERATOR = Generator("drawn", "e" * 64, 32, 3, False, True, True)


class Puppet:
    """In place of a worker: starts fail as often as `failing` says, batches are kept, nothing is computed."""

    made: list[Puppet]
    failing = 0
    batch_size, side_by_side = 1, 1

    def __init__(self, settings: Settings, device: str, load: Any, listener: Dispatcher, begin: Any) -> None:
        self.device, self.listener, self.pid = device, listener, None
        self.starts, self.kills = 0, 0
        self.batches: list[Batch] = []
        self.made.append(self)

    def start(self) -> None:
        self.starts += 1
        if 1 < self.starts <= 1 + self.failing:
            raise OSError(11, "no process is to be had")
        how: Any = (self.batch_size, GENERATOR, "drawn", "f" * 64, "eager", "drawn", {}, self.side_by_side)
        loaded = Loaded("cpu", "float32", *how)
        self.listener.ready(self, loaded)  # type: ignore[arg-type]

    def give(self, batch: Batch) -> None:
        self.batches.append(batch)

    def kill(self) -> None:
        self.kills += 1

    async def stop(self) -> None:
        pass

    def answer(self, each: Any = PICTURE) -> None:
        batch = self.batches.pop(0)
        told = Answers(batch.number, tuple(each for _ in batch.tasks), 0.1)
        self.listener.answered(self, told)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def puppets(monkeypatch: pytest.MonkeyPatch) -> type[Puppet]:
    """Puppets are the dispatcher's workers; they are started again at once."""
    monkeypatch.setattr(module, "Worker", Puppet)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(Puppet, "made", [], raising=False)
    return Puppet


def run(scenario: Callable[[Dispatcher], Awaitable[None]], limits: Limits | None = None) -> None:
    """Have a scenario happen to a dispatcher that has started."""

    async def all_of_it() -> None:
        settings = Settings(limits=limits or Limits())
        dispatcher = Dispatcher(settings, drawn_computing.load, Metrics())
        dispatcher.start()
        await scenario(dispatcher)

    asyncio.run(asyncio.wait_for(all_of_it(), 20))


def asked(dispatcher: Dispatcher, client: str, session: str | None = None, turn: int = 0) -> asyncio.Task[Any]:
    """A request."""
    return asyncio.create_task(dispatcher.answer(PAINT, client, session, turn))


async def settled(*requests: asyncio.Task[Any]) -> list[str]:
    """What became of requests that are done or wait: a problem's code, `picture`, `waits`."""
    for _ in range(5):
        await asyncio.sleep(0)
    told = []
    for request in requests:
        error = request.exception() if request.done() else None
        told.append(error.code if isinstance(error, Problem) else "picture" if request.done() else "waits")
    return told


def test_a_worker_that_cannot_be_started_again_is_tried_until_it_can(
    puppets: type[Puppet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puppets, "failing", 3)

    async def scenario(dispatcher: Dispatcher) -> None:
        (worker,) = puppets.made
        dispatcher.ended(worker)  # type: ignore[arg-type]
        while not dispatcher.workers_ready:
            await asyncio.sleep(0.001)
        assert worker.starts == 5

    run(scenario)


def test_the_newest_wins_where_the_queue_is_full() -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        first, older = asked(dispatcher, "other"), asked(dispatcher, "me", "s", 1)
        assert await settled(first, older) == ["waits", "waits"] and dispatcher.waiting == 1
        newer = asked(dispatcher, "me", "s", 2)
        assert await settled(older, newer) == ["superseded", "waits"] and dispatcher.waiting == 1
        assert await settled(asked(dispatcher, "third")) == ["busy"]

    run(scenario, Limits(waiting=1, waiting_each=1))


def test_sessions_of_one_name_at_two_addresses_are_two() -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        requests = [asked(dispatcher, client, "s", turn) for turn, client in enumerate(("x", "one", "two"))]
        assert await settled(*requests) == ["waits"] * 3

    run(scenario)


@pytest.mark.parametrize("waits", [True, False])
def test_an_older_request_that_comes_late_does_not_take_a_newer_ones_place(waits: bool) -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        before = [asked(dispatcher, "other")] if waits else []
        newer = asked(dispatcher, "me", "s", 2)
        await settled(*before, newer)
        older = asked(dispatcher, "me", "s", 1)
        assert await settled(newer, older) == ["waits", "superseded"]

    run(scenario)


def test_a_worker_that_only_fails_is_ended(puppets: type[Puppet]) -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        (worker,) = puppets.made
        for each in (Unexpected("RuntimeError", ""), Unexpected("RuntimeError", ""), PICTURE):
            request = asked(dispatcher, "me")
            await settled(request)
            worker.answer(each)
            await settled(request)
        assert not worker.kills
        for _ in range(3):
            assert worker.kills < 1
            request = asked(dispatcher, "me")
            await settled(request)
            worker.answer(Unexpected("RuntimeError", ""))
            assert await settled(request) == ["failed"]
        assert worker.kills > 0

    run(scenario)


def test_what_waits_is_shared_out_among_free_places(puppets: type[Puppet], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(puppets, "batch_size", 8)
    monkeypatch.setattr(puppets, "side_by_side", 2)

    async def scenario(dispatcher: Dispatcher) -> None:
        (worker,) = puppets.made
        requests = [asked(dispatcher, f"a{number}") for number in range(2)]
        await settled(*requests)
        dispatcher.ended(worker)  # type: ignore[arg-type]
        worker.batches.clear()  # both are tried again, each by itself, and hold up the others
        requests += [asked(dispatcher, f"b{number}") for number in range(4)]
        while not worker.batches:
            await asyncio.sleep(0.001)
        assert [len(batch.tasks) for batch in worker.batches] == [1]
        worker.answer()
        assert [len(batch.tasks) for batch in worker.batches] == [1]
        worker.answer()
        assert [len(batch.tasks) for batch in worker.batches] == [2, 2]

    run(scenario)


def test_a_stop_answers_what_waits_and_runs() -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        runs, waits = asked(dispatcher, "a"), asked(dispatcher, "b")
        await settled(runs, waits)
        stopping = asyncio.create_task(dispatcher.finish())
        await asyncio.sleep(0)
        assert await settled(asked(dispatcher, "c")) == ["stopping"]
        await stopping
        assert await settled(runs, waits) == ["stopping", "stopping"]

    run(scenario, Limits(stop_seconds=0.05))


def test_a_stop_waits_for_what_gets_done(puppets: type[Puppet]) -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        runs, waits = asked(dispatcher, "a"), asked(dispatcher, "b")
        await settled(runs, waits)
        stopping = asyncio.create_task(dispatcher.finish())
        for _ in range(2):
            await asyncio.sleep(0.01)
            puppets.made[0].answer()
        await stopping
        assert await settled(runs, waits) == ["picture", "picture"]

    run(scenario)
