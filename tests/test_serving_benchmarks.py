"""The benchmarks of serving count what was answered, tell what was not, and measure strokes from when they end."""

from __future__ import annotations

import importlib
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("serve_load")


class Moody(BaseHTTPRequestHandler):
    """Cuts the line, is busy, answers from a cache, paints; and so on."""

    protocol_version = "HTTP/1.1"
    moods: Iterator[str]

    def do_POST(self) -> None:
        mood = next(self.moods)
        self.rfile.read(int(self.headers["content-length"]))
        if mood == "cut":
            self.close_connection = True
            return
        self.send_response(503 if mood == "busy" else 200)
        self.send_header("content-length", "4")
        self.send_header("x-cached", str(int(mood == "cached")))
        self.send_header("server-timing", "work;dur=12.5")
        self.end_headers()
        self.wfile.write(b"told")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Moody, "moods", itertools.cycle(("cut", "busy", "cached", "painted")), raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_what_fails_is_told_and_not_counted(load: ModuleType, moody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_PAUSE", 0)
    client = load.Client(0)
    load.ask(moody, "/", client, 60, threading.Barrier(1), ended(b"body", 8, monkeypatch, load))
    told = [failure.split()[0] for failure in client.failures]
    assert told == ["RemoteDisconnected:", "503", "the"] * 2
    assert len(client.seconds) == 2 and client.works == [12.5, 12.5]


def ended(body: bytes, count: int, monkeypatch: pytest.MonkeyPatch, load: ModuleType) -> Iterator[bytes]:
    """So many bodies; with the last of them the time is over."""
    clock = load.time.perf_counter
    for number in range(count):
        if number == count - 1:
            monkeypatch.setattr(load.time, "perf_counter", lambda: clock() + 100)
        yield body


def test_a_server_that_is_gone_is_told_and_keeps_nobody_waiting(load: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client, start = load.Client(0), threading.Barrier(2)
    asking = (f"http://127.0.0.1:{port}/", "/", client, 0.1, start, itertools.repeat(b"body"))
    thread = threading.Thread(target=load.ask, args=asking)
    thread.start()
    start.wait(10)
    thread.join(10)
    assert not thread.is_alive() and client.failures and not client.seconds
    assert "ConnectionRefusedError" in client.failures[0]


def test_strokes_are_no_two_the_same(load: ModuleType) -> None:
    maps = [ids for _, ids in zip(range(12), load.strokes(3), strict=False)]
    assert all((one != other).any() for one, other in itertools.pairwise(maps))
    assert all(ids.shape == (512, 512) and np.isin(ids, range(19)).all() for ids in maps)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are counted by /proc")
def test_processes_are_those_of_now(load: ModuleType) -> None:
    processes = load.Processes(os.getpid())
    assert processes.memory()["server"] > 1 and processes.cpu()["server"] > 0
    assert load.Processes(None).cpu() == {}


def test_a_picture_of_the_middle_of_a_stroke_is_not_the_strokes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    after_release = importlib.import_module("studio_strokes").after_release
    assert after_release(1000, 0, [(900, 950)]) is None
    assert after_release(1000, 950, [(900, 950)]) is None
    assert after_release(1000, 1200, [(900, 950), (1100, 1150), (1150, 1200)]) == 200
