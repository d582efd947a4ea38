"""What waits: fair, bounded, dropped when it should be; and what a lost worker means."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from facesynth.core.errors import FacesynthError
from facesynth.core.styles import Style
from facesynth.serving.app import create_app
from facesynth.serving.queue.jobs import Job
from facesynth.serving.queue.running import Running
from facesynth.serving.queue.waiting import Waiting
from facesynth.serving.settings import Limits, Settings
from facesynth.serving.worker.tasks import Align, Generator, Loaded, Paint, PhotoFile, Task
from tests.serving import drawn_computing
from tests.serving.drawn_computing import DIES, PAIRS, SECONDS, SLOW, SLOW_SIDE
from tests.serving.drawn_requests import labels, painting, photo_png
from tests.serving.running import ADDRESS, API, in_process, listening

PAINT = Paint(labels(), Style.from_seed(0))
ALIGN = Align(PhotoFile(b"", "photo", 1), 512, "ffhq", "all")


def job(client: str, task: Task = PAINT, session: str | None = None) -> Job:
    """A job that nobody waits for."""
    return Job(task, client, asyncio.new_event_loop().create_future(), 0.0, session)


def test_clients_are_served_in_turn() -> None:
    waiting = Waiting()
    jobs = [job(client, ALIGN) for client in "aaaabc"]
    for one in jobs:
        waiting.add(one)
    served = [waiting.take(4)[0] for _ in jobs]
    assert [one.client for one in served] == ["a", "b", "c", "a", "a", "a"]
    assert [one for one in served if one.client == "a"] == jobs[:4]
    assert not waiting.take(4) and not len(waiting)


def test_a_batch_takes_paintings_from_all_clients() -> None:
    waiting = Waiting()
    for client in "aaab":
        waiting.add(job(client))
    waiting.add(job("c", ALIGN))
    waiting.add(job("c"))
    assert [one.client for one in waiting.take(3)] == ["a", "b", "c"]
    assert [one.client for one in waiting.take(8)] == ["a", "a"]
    assert [type(one.task) for one in waiting.take(8)] == [Align]


def test_a_clients_paintings_do_not_wait_behind_its_own_photo() -> None:
    waiting, photo, painting = Waiting(), job("a", ALIGN), job("a")
    waiting.add(photo)
    waiting.add(painting)
    assert (len(waiting), waiting.of("a"), waiting.paintings) == (2, 2, 1)
    assert waiting.take(1, lambda one: one.paints) == [painting]
    assert waiting.take(1) == [photo]


def test_what_is_removed_is_not_handed_out() -> None:
    waiting = Waiting()
    first, second = job("a", session="s"), job("a", session="s")
    waiting.add(first)
    waiting.add(second)
    waiting.add(third := job("b", session="s"))
    assert waiting.of_session("a", "s") == [first, second] and waiting.of_session("b", "s") == [third]
    assert waiting.remove(third)
    assert waiting.remove(first) and not waiting.remove(first)
    assert waiting.take(2) == [second] and waiting.of("a") == 0


def test_what_does_not_fit_keeps_its_turn() -> None:
    waiting = Waiting()
    photo, first, second = job("a", ALIGN), job("b"), job("c")
    for one in (photo, first, second):
        waiting.add(one)
    assert waiting.take(1, lambda one: one.paints) == [first]
    assert waiting.take(1) == [photo]
    second.lone = True
    waiting.add(first)
    assert waiting.take(1, lambda one: not one.lone) == []
    assert waiting.take(4) == [second]
    assert waiting.take(4) == [first]


def test_a_lone_job_is_computed_beside_nothing() -> None:
    running, other = running_jobs(side_by_side=3), job("b")
    alone = job("a")
    alone.lone = True
    assert running.fits(alone) and running.fits(other)
    running.begin(1, [other], never())
    assert running.fits(job("c")) and not running.fits(alone)
    assert running.finish(1) == [other]
    running.begin(2, [alone], never())
    assert not running.fits(other) and not running.fits(job("c", ALIGN))
    assert running.finish_all() == [alone] and running.jobs == []


def test_a_photo_fits_beside_paintings_and_not_beside_a_photo() -> None:
    running = running_jobs(side_by_side=2)
    for number, one in enumerate((job("a"), job("b", ALIGN), job("c"))):
        assert running.fits(one)
        running.begin(number, [one], never())
    assert not running.fits(job("d")) and not running.fits(job("e", ALIGN))
    running.finish(0)
    assert running.fits(job("d")) and not running.fits(job("e", ALIGN))


@pytest.mark.parametrize(("device", "together"), [("cpu", True), ("cuda:1", True), ("mps", False), ("mps:0", False)])
def test_a_device_for_one_thread_computes_one_thing_at_a_time(device: str, together: bool) -> None:
    for begun, other in ((ALIGN, PAINT), (PAINT, ALIGN)):
        running = running_jobs(side_by_side=1, device=device)
        running.begin(1, [job("a", begun)], never())
        assert running.fits(job("b", other)) is together


def running_jobs(side_by_side: int, device: str = "cpu") -> Running:
    """What a worker computes that has begun nothing."""
    generator = Generator("drawn", "e" * 64, 32, 3, False, True, True)
    loaded = Loaded(device, "float32", 1, generator, "drawn", "f" * 64, "eager", "drawn", {}, side_by_side)
    return Running(loaded)


def never() -> asyncio.TimerHandle:
    """A timer that does not ring."""
    return asyncio.new_event_loop().call_later(1, lambda: None)


class Server:
    """A server over the network, its requests in threads."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=30)
        self.threads = ThreadPoolExecutor(8)

    def paint(self, seed: int, session: str | None = None) -> Future[httpx.Response]:
        """Begin to paint."""
        headers = {"x-studio-session": session} if session else {}
        return self.threads.submit(self.client.post, f"{API}/synthesize", json=painting(seed), headers=headers)

    def align(self, colour: int) -> Future[httpx.Response]:
        """Begin to cut the faces out of a photo, which takes a while."""
        photo = photo_png((colour, 70, 28))
        query = {"size": SLOW_SIDE}
        headers = {"content-type": "image/png"}
        return self.threads.submit(self.client.post, f"{API}/align", content=photo, params=query, headers=headers)

    def count(self, name: str) -> float:
        """A number of its metrics."""
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"facesynth_{name} "))

    def until(self, name: str, value: float) -> None:
        """Wait until a number is so."""
        end = time.monotonic() + 30
        while self.count(name) != value:
            assert time.monotonic() < end, f"{name} is {self.count(name)}"

    def busy(self) -> Future[httpx.Response]:
        """Paint a picture that takes a while, and wait until it is begun."""
        painted = self.paint(SLOW, "first")
        self.until("computing", 1)
        return painted

    def queued(self, seed: int, session: str | None = None) -> Future[httpx.Response]:
        """Paint what has to wait, and wait until it does."""
        before = self.count("queue_depth")
        painted = self.paint(seed, session)
        self.until("queue_depth", before + 1)
        return painted


@contextlib.contextmanager
def server(**settings: Any) -> Iterator[Server]:
    """A server that listens."""
    with listening(**settings) as address:
        one = Server(address)
        try:
            yield one
        finally:
            one.threads.shutdown()
            one.client.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    """One with default settings."""
    with server() as one:
        yield one


@pytest.fixture(scope="module")
def batching() -> Iterator[Server]:
    """One that paints four at once."""
    with server(batch_size=4) as one:
        yield one


@pytest.fixture(scope="module")
def pairs() -> Iterator[Server]:
    """One that paints two side by side."""
    with server(generator=PAIRS) as one:
        yield one


def test_what_waits_is_computed_together(batching: Server) -> None:
    first = batching.busy()
    others = [batching.queued(seed, f"s{seed}") for seed in range(6)]
    answers = [painted.result() for painted in (first, *others)]
    assert [answer.status_code for answer in answers] == [200] * 7
    assert (batching.count("batch_size_sum"), batching.count("batch_size_count")) == (7, 3)
    assert "in a batch of 4" in answers[1].headers["server-timing"]
    assert len({answer.content for answer in answers}) == 7


def test_of_a_batch_that_ends_a_worker_the_others_are_painted(batching: Server) -> None:
    first = batching.paint(SLOW + 1)
    batching.until("computing", 1)
    others = [batching.queued(seed, f"s{seed}") for seed in (15, DIES, 17)]
    assert [painted.result().status_code for painted in (first, *others)] == [200, 200, 500, 200]


def test_paintings_are_computed_side_by_side_and_answered_each_when_it_is_done(pairs: Server) -> None:
    slow = [pairs.busy(), pairs.paint(15)]
    assert slow[1].result().status_code == 200 and not slow[0].done()
    both = pairs.paint(SLOW + 1)
    pairs.until("computing", 2)
    third = pairs.queued(16, "third")
    assert [painted.result().status_code for painted in (slow[0], both, third)] == [200] * 3


def test_a_photo_does_not_hold_up_who_paints(plain: Server) -> None:
    aligned = [plain.align(colour) for colour in range(140, 145)]
    plain.until("computing", 1)
    plain.until("queue_depth", 4)
    painted = [plain.paint(seed) for seed in range(70, 75)]
    assert [each.result().status_code for each in painted] == [200] * 5
    assert sum(each.done() for each in aligned) < 5
    assert [each.result().status_code for each in aligned] == [200] * 5


def test_what_was_computed_beside_a_painting_that_ends_a_worker_is_painted(pairs: Server) -> None:
    before = pairs.count("worker_restarts_total")
    slow = pairs.paint(SLOW + 2)
    pairs.until("computing", 1)
    dying = pairs.paint(DIES)
    assert (dying.result().status_code, slow.result().status_code) == (500, 200)
    assert pairs.paint(17).result().status_code == 200
    assert pairs.count("worker_restarts_total") == before + 2  # both once together, and the one at fault by itself


def test_a_newer_painting_of_a_session_takes_the_place_of_those_that_wait(plain: Server) -> None:
    first = plain.busy()
    other = plain.queued(20, "you")
    older = plain.queued(21, "me")
    for seed in (22, 23):
        newer = plain.paint(seed, "me")
        answer = older.result()
        assert (answer.status_code, answer.json()["code"]) == (409, "superseded")
        older = newer
    assert [painted.result().status_code for painted in (first, other, newer)] == [200] * 3


def test_nothing_is_computed_for_a_client_that_is_gone(plain: Server) -> None:
    before = plain.count("batch_size_sum")
    first = plain.paint(SLOW + 2)
    plain.until("computing", 1)
    for seed in (31, 32):
        with pytest.raises(httpx.ReadTimeout):
            plain.client.post(f"{API}/synthesize", json=painting(seed), timeout=0.05)
    plain.until("queue_depth", 0)
    assert first.result().status_code == 200
    assert plain.paint(33).result().status_code == 200
    assert plain.count("batch_size_sum") - before == 2


def test_a_worker_that_dies_is_replaced_and_only_its_request_fails(plain: Server) -> None:
    before = plain.count("worker_restarts_total")
    first = plain.paint(SLOW + 3)
    plain.until("computing", 1)
    answers = [plain.queued(seed, f"s{seed}") for seed in (DIES, 41, 42)]
    assert [painted.result().status_code for painted in (first, *answers)] == [200, 500, 200, 200]
    assert answers[0].result().json()["code"] == "worker-died"
    assert plain.count("worker_restarts_total") == before + 1


def test_the_queue_is_bounded_and_says_when_to_come_back() -> None:
    with server(limits=Limits(waiting=2, waiting_each=1)) as one:
        first = one.busy()
        waiting = [one.queued(51)]
        greedy = one.paint(52).result()
        assert (greedy.status_code, greedy.json()["code"]) == (429, "too-many")
        waiting.append(one.queued(53, "b"))
        refused = one.paint(54, "c").result()
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        waiting.append(one.paint(55, "b"))
        older = waiting.pop(1).result()
        assert (older.status_code, older.json()["code"]) == (409, "superseded")
        assert int(refused.headers["retry-after"]) >= 1 and int(greedy.headers["retry-after"]) >= 1
        assert [painted.result().status_code for painted in (first, *waiting)] == [200] * 3


def test_a_deadline_ends_the_wait() -> None:
    with server(limits=Limits(deadline=SECONDS / 1.5)) as one:
        first = one.busy()
        late = one.queued(61, "a")
        for painted in (first, late):
            assert (painted.result().status_code, painted.result().json()["code"]) == (504, "deadline")
        one.until("computing", 0)
        assert one.paint(62).result().status_code == 200


def test_a_worker_that_hangs_is_ended() -> None:
    with server(limits=Limits(deadline=SECONDS / 8)) as one:
        assert one.paint(SLOW).result().status_code == 504
        one.until("worker_restarts_total", 1)
        one.until("workers_ready", 1)
        assert one.paint(63).result().status_code == 200


def test_a_worker_that_is_killed_while_idle_is_replaced() -> None:
    with in_process() as client:
        inner: Any = client.app
        while not hasattr(inner, "state"):
            inner = inner.app
        dispatcher = inner.state.studio.dispatcher
        (pid,) = dispatcher.pids
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 30
        while dispatcher.pids in ([pid], []) or client.get("/readyz").status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert client.post(f"{API}/synthesize", json=painting()).status_code == 200


def test_two_devices_are_two_workers() -> None:
    with server(devices=("one", "two")) as one:
        one.until("workers_ready", 2)
        both = [one.paint(SLOW + each) for each in range(2)]
        one.until("computing", 2)
        assert [painted.result().status_code for painted in both] == [200] * 2


def test_workers_that_cannot_be_made_ready_are_told_of() -> None:
    told: list[FacesynthError] = []
    app = create_app(Settings(generator="broken"), load=drawn_computing.load, on_failure=told.append)
    with TestClient(app, base_url=ADDRESS) as client:
        end = time.monotonic() + 30
        while not told:
            assert time.monotonic() < end
            time.sleep(0.02)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["what"]) == (503, "the drawn weights are broken")
        assert client.post(f"{API}/synthesize", json=painting()).json()["code"] == "not-ready"
