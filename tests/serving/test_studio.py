"""What routes share: threads that large pictures do not block, a deadline for all that a request waits for."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from starlette.requests import Request
from starlette.types import Message

from facesynth.core.images import Photo
from facesynth.core.styles import Style
from facesynth.serving import studio as studio_module
from facesynth.serving.body.reading import HeldBytes
from facesynth.serving.problems import Problem
from facesynth.serving.queue.dispatcher import Dispatcher
from facesynth.serving.settings import Limits, Settings
from facesynth.serving.studio import Studio
from facesynth.serving.worker.tasks import Paint
from tests.serving import drawn_computing
from tests.serving.drawn_requests import labels

PAINT = Paint(labels(), Style.from_seed(0))


def asked() -> Request:
    """A request with a small body."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"seed": 1}', "more_body": False}

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "state": {}}
    return Request(scope, receive)


def test_large_pictures_do_not_hold_up_small_ones() -> None:
    large, small = (Photo(np.zeros((side, side, 3), dtype=np.uint8)) for side in (2100, 16))
    go = threading.Event()

    async def scenario() -> None:
        studio = Studio(Settings(), drawn_computing.load, HeldBytes(Limits()))
        slow = [asyncio.create_task(studio.apart(lambda _: go.wait(20), large)) for _ in range(3)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(5):
                assert await studio.apart(lambda picture: picture.width, small) == 16
            assert not any(each.done() for each in slow)
        finally:
            go.set()
        assert await asyncio.gather(*slow) == [True] * 3
        await studio.stop()

    asyncio.run(scenario())


def test_the_deadline_covers_what_is_done_beside_the_queue() -> None:
    async def scenario() -> None:
        studio = Studio(Settings(limits=Limits(deadline=0.05)), drawn_computing.load, HeldBytes(Limits()))
        begun = time.monotonic()
        with pytest.raises(Problem) as raised:
            async with studio.fields(asked(), "labels"):
                await studio.apart(time.sleep, 0.5)
        assert raised.value.code == "deadline" and time.monotonic() - begun < 0.4
        async with studio.fields(asked(), "labels") as fields:
            assert fields.integer("seed", 0, 9) == 1
        with pytest.raises(TimeoutError):  # what a route times out by itself is none of the deadline's
            async with studio.fields(asked(), "labels"):
                raise TimeoutError
        await studio.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("ready", [0, 1])
def test_a_worker_that_starts_again_has_its_time(monkeypatch: pytest.MonkeyPatch, ready: int) -> None:
    async def late(*_: object) -> tuple[object, object]:
        await asyncio.sleep(0.45)
        raise Problem("failed", "so far")

    async def scenario() -> str:
        studio = Studio(Settings(limits=Limits(deadline=0.3)), drawn_computing.load, HeldBytes(Limits()))
        monkeypatch.setattr(studio.dispatcher, "answer", late)
        request = asked()

        async def painted() -> None:
            async with studio.fields(request, "labels"):
                monkeypatch.setattr(request, "_receive", asyncio.Event().wait)  # the client stays
                await studio.compute(request, PAINT)

        with pytest.raises(Problem) as raised:
            await painted()
        await studio.stop()
        return raised.value.code

    monkeypatch.setattr(studio_module, "_LOOK", 0.02)
    monkeypatch.setattr(Dispatcher, "workers_ready", ready)
    assert asyncio.run(scenario()) == ("deadline" if ready else "failed")


def test_requests_have_turns_in_the_order_they_come() -> None:
    async def scenario() -> None:
        studio, requests = Studio(Settings(), drawn_computing.load, HeldBytes(Limits())), [asked(), asked()]
        for request in requests:
            async with studio.fields(request, "labels"):
                pass
        assert requests[0].state.turn < requests[1].state.turn
        await studio.stop()

    asyncio.run(scenario())
