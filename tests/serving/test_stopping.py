"""A server that is told to stop while it has work: who was let in is answered, and a second Ctrl-C ends the wait."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.serving.drawn_computing import SLOW
from tests.serving.drawn_requests import painting
from tests.serving.running import API, until_ready

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

SERVER = """
import functools, sys
from facesynth.core.stop_signals import interrupt_on_stop_signals
from facesynth.serving import app, lines, listening
from facesynth.serving.settings import Limits, Settings
from tests.serving import drawn_computing

if __name__ == "__main__":
    interrupt_on_stop_signals()
    lines.HEAD_SECONDS = 0.3
    app.create_app = functools.partial(app.create_app, load=drawn_computing.load)
    limits = Limits(stop_seconds=float(sys.argv[1]))
    listening.serve(Settings(port=0, limits=limits), listening=lambda at: print(at, flush=True))
"""


@contextlib.contextmanager
def server(folder: Path, stop_seconds: float) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A process that serves, and a client of it."""
    script = folder / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, str(script), str(stop_seconds)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        with httpx.Client(base_url=process.stdout.readline().strip(), timeout=30) as client:
            until_ready(client)
            yield process, client
    finally:
        process.kill()
        process.communicate()


def begun(client: httpx.Client, computing: int, waiting: int) -> None:
    """Wait until so many requests are computed and wait."""
    told = [f"\nfacesynth_computing {computing}", f"\nfacesynth_queue_depth {waiting}"]
    end = time.monotonic() + 20
    while not all(each in client.get("/metrics").text for each in told):
        assert time.monotonic() < end, client.get("/metrics").text


@pytest.mark.parametrize(("seconds", "codes"), [(20.0, [200, 200]), (0.1, [503, 503])])
def test_a_stop_answers_what_runs_and_what_waits(seconds: float, codes: list[int], tmp_path: Path) -> None:
    with server(tmp_path, seconds) as (process, client), ThreadPoolExecutor(2) as threads:
        painted = []
        for number, session in enumerate(("a", "b")):
            headers = {"x-studio-session": session}
            seed = painting(SLOW + number)
            painted.append(threads.submit(client.post, f"{API}/synthesize", json=seed, headers=headers))
            begun(client, 1, number)
        process.send_signal(signal.SIGTERM)
        answers = [each.result() for each in painted]
        assert [answer.status_code for answer in answers] == codes
        assert all(answer.status_code == 200 or answer.json()["code"] == "stopping" for answer in answers)
        _, told = process.communicate(timeout=20)
        assert process.returncode == 0 and "Traceback" not in told, told


def test_half_a_head_does_not_hold_a_line(tmp_path: Path) -> None:
    with server(tmp_path, 20.0) as (_, client):
        port = client.base_url.port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port), timeout=8) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            assert line.recv(1) == b""


def test_a_second_signal_ends_the_wait_quietly(tmp_path: Path) -> None:
    with server(tmp_path, 60.0) as (process, client), ThreadPoolExecutor(1) as threads:
        painted = threads.submit(client.post, f"{API}/synthesize", json=painting(SLOW))
        begun(client, 1, 0)
        port = client.base_url.port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"POST {API}/align HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                         "Content-Length: 9\r\n\r\n".encode())  # fmt: skip
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)
        assert process.returncode == 0 and "Traceback" not in told, told
        answer = painted.result()
        assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
