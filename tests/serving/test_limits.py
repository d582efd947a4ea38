"""What a server takes before it says no, tried over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import time
import tracemalloc
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from facesynth.serving import lines
from facesynth.serving.body.reading import HeldBytes
from facesynth.serving.settings import Limits
from facesynth.serving.slots import Slots
from tests.serving.drawn_requests import painting, photo_png
from tests.serving.running import API, listening


def spoken(address: str, head: str, *, body: bytes = b"", pieces: int = 1, wait: float = 10) -> tuple[bytes, int]:
    """What the server answers to a request that is written by hand, and how many bytes of its body it let in."""
    place = urlsplit(address)
    assert place.hostname and place.port
    sent = 0
    with socket.create_connection((place.hostname, place.port), timeout=wait) as line:
        line.sendall(f"POST {API}/align HTTP/1.1\r\nHost: {place.netloc}\r\n{head}\r\n\r\n".encode())
        try:
            for _ in range(pieces):
                line.sendall(body)
                sent += len(body)
        except OSError:  # it has hung up
            pass
        answer = b""
        try:
            while piece := line.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer, sent


def test_an_upload_of_4_gigabytes_is_cut_off_unread() -> None:
    with listening() as address:
        start = time.monotonic()
        head = "Content-Type: image/png\r\nContent-Length: 4294967296"
        answer, sent = spoken(address, head, body=bytes(1 << 20), pieces=4096)
        assert answer.startswith(b"HTTP/1.1 413") or not answer  # hung up on before the answer could be read
        assert sent < 256 << 20 and time.monotonic() - start < 10
        answer, _ = spoken(address, head)
        assert answer.startswith(b"HTTP/1.1 413") and b"too-large" in answer
        assert httpx.get(f"{address}/readyz").status_code == 200


def test_a_stream_that_announces_nothing_is_counted() -> None:
    limits = Limits(body_bytes=1 << 20)
    with listening(limits=limits) as address:
        piece = b"40000\r\n" + bytes(0x40000) + b"\r\n"
        head = "Content-Type: image/png\r\nTransfer-Encoding: chunked"
        answer, sent = spoken(address, head, body=piece, pieces=400)
        assert answer.startswith(b"HTTP/1.1 413") or not answer
        assert sent < 50 << 20
        answer, _ = spoken(address, head, body=piece, pieces=5)
        assert answer.startswith(b"HTTP/1.1 413") and b"too-large" in answer
        assert httpx.post(f"{address}{API}/synthesize", json=painting()).status_code == 200
        held = next(
            line
            for line in httpx.get(f"{address}/metrics").text.splitlines()
            if line.startswith("facesynth_body_bytes_held")
        )
        assert held.endswith(" 0")


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with listening(limits=Limits(body_seconds=0.3)) as address:
        answer, _ = spoken(address, "Content-Type: image/png\r\nContent-Length: 1000", body=b"slow")
    assert answer.startswith(b"HTTP/1.1 408")


def test_bodies_share_the_memory_that_is_kept_for_them() -> None:
    with listening(limits=Limits(held_bytes=1000)) as address:
        answer = httpx.post(
            f"{address}{API}/align", content=photo_png() + bytes(2000), headers={"content-type": "image/png"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert httpx.post(f"{address}{API}/align", files={"photo": photo_png()}).status_code == 200


def test_who_sends_on_and_on_is_not_listened_to_for_long() -> None:
    with listening(limits=Limits(body_bytes=100)) as address:
        place = urlsplit(address)
        assert place.hostname and place.port
        start = time.monotonic()
        with socket.create_connection((place.hostname, place.port), timeout=10) as line:
            head = f"POST {API}/align HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: image/png"
            line.sendall(f"{head}\r\nContent-Length: 9999\r\n\r\n".encode())
            with contextlib.suppress(OSError):  # it has hung up
                while time.monotonic() - start < 6:
                    line.sendall(b"x")
                    time.sleep(0.1)
        assert time.monotonic() - start < 4


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
def test_half_a_head_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(lines, "HEAD_SECONDS", 0.5)
    with listening() as address:
        place = urlsplit(address)
        assert place.hostname and place.port
        with socket.create_connection((place.hostname, place.port), timeout=4) as line:
            answer = b""
            if before:
                line.sendall(before)
                answer = line.recv(65536)
            line.sendall(b"GET /hea")
            while piece := line.recv(65536):  # nothing: the server has closed the line
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200") == bool(before)
        with held_line(address, seconds=1.2) as line:
            assert line.recv(65536).startswith(b"HTTP/1.1 422")  # whoever has sent a whole head has more time


def test_an_answer_that_nobody_reads_is_counted_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "READ_SECONDS", 0.9)
    side = 2048
    body = photo_png((140, 70, 28), side, side)

    def held() -> int:
        told = httpx.get(f"{address}/metrics").text.splitlines()
        return int(float(next(each.split()[1] for each in told if each.startswith("facesynth_body_bytes_held"))))

    with listening() as address, socket.socket() as line:
        place = urlsplit(address)
        assert place.hostname and place.port
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(20)
        line.connect((place.hostname, place.port))
        head = f"POST {API}/segment?format=raw HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: image/png"
        line.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert line.recv(12) == b"HTTP/1.1 200"
        assert held() == pytest.approx(side**2, rel=0.001)
        end = time.monotonic() + 10
        while held():
            assert time.monotonic() < end
            time.sleep(0.1)
        read = 0
        with contextlib.suppress(ConnectionError):
            while piece := line.recv(65536):
                read += len(piece)
        assert read < side**2, "the line was cut off"
        answer = httpx.post(f"{address}{API}/segment?format=raw", content=body, headers={"content-type": "image/png"})
        assert len(answer.content) == side**2 and held() == 0  # whoever reads gets all of it


def test_what_is_no_http_is_answered_as_all_errors_are() -> None:
    with listening() as address:
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=10) as line:
            line.sendall(b"not at all\r\n\r\n")
            answer = b"".join(iter(lambda: line.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400") and b"application/problem+json" in head
        assert json.loads(body)["code"] == "bad-request"


def test_a_web_socket_is_told_that_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "x", "sec-websocket-version": "13"}
    with listening() as address:
        assert httpx.get(f"{address}/healthz", headers=upgrade).status_code == 200
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@contextlib.contextmanager
def held_line(address: str, seconds: float = 0) -> Iterator[socket.socket]:
    """A request that is being answered: its body does not arrive, or after some seconds."""
    place = urlsplit(address)
    assert place.hostname and place.port
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"POST {API}/align HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: image/png"
        line.sendall(f"{head}\r\nContent-Length: 9\r\n\r\n".encode())
        if seconds:
            time.sleep(seconds)
            line.sendall(bytes(9))
        yield line


def test_no_more_requests_at_once_than_allowed() -> None:
    page = "https://studio.example"
    with listening(limits=Limits(requests=1, body_seconds=2), origins=(page,)) as address, held_line(address):
        end = time.monotonic() + 2
        while (answer := httpx.get(f"{address}{API}/labels", headers={"origin": page})).status_code == 200:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "2")
        assert answer.headers["access-control-allow-origin"] == page
        assert httpx.get(f"{address}/healthz").status_code == httpx.get(f"{address}/readyz").status_code == 200


def test_one_address_leaves_room_for_others() -> None:
    held = 0

    async def hold(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal held
        held += 1
        await released.wait()

    async def ask(slots: Slots, address: str, path: str = "/") -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answers.append((address, message["status"]))

        await slots({"type": "http", "path": path, "client": (address, 1), "state": {"request_id": "1"}}, receive, send)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def asked() -> None:
        slots = Slots(hold, 16)
        async with asyncio.TaskGroup() as group:
            for address in ["a"] * 20 + ["b"] * 5:
                group.create_task(ask(slots, address))
            group.create_task(ask(slots, "a", "/healthz"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            released.set()
        await ask(slots, "a")  # what is answered is counted no more

    answers: list[tuple[str, int]] = []
    released = asyncio.Event()
    asyncio.run(asked())
    assert answers == [("a", 503)] * 8 + [("b", 503)]
    assert held == 12 + 4 + 1 + 1


def test_a_body_is_held_once() -> None:
    size = 4 << 20

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(size), "more_body": False}

    async def read() -> tuple[int, int]:
        bodies = HeldBytes(Limits())
        async with bodies.body(Request({"type": "http", "method": "POST", "headers": []}, receive)) as body:
            assert len(body) == bodies.held == size
            with_body = tracemalloc.get_traced_memory()[0]
            del body
            return with_body, tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        with_body, without = asyncio.run(read())
    finally:
        tracemalloc.stop()
    assert with_body < 1.5 * size and without < 0.5 * size
