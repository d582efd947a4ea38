"""What a server takes before it says no, tried over real sockets."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import httpx2 as httpx

from facesynth.serving.settings import Limits
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


def test_no_more_requests_at_once_than_allowed() -> None:
    with listening(limits=Limits(requests=1, body_seconds=2)) as address:
        place = urlsplit(address)
        assert place.hostname and place.port
        with socket.create_connection((place.hostname, place.port)) as line:
            head = f"POST {API}/align HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: image/png"
            line.sendall(f"{head}\r\nContent-Length: 9\r\n\r\n".encode())
            end = time.monotonic() + 2
            while (code := httpx.get(f"{address}/healthz").status_code) == 200 and time.monotonic() < end:
                time.sleep(0.01)
            assert code == 503
