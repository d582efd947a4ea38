"""`facesynth serve` as a user starts and stops it."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from facesynth.core.errors import DependencyMissing, FacesynthError
from facesynth.serving import listening
from facesynth.serving.settings import Settings
from tests.serving.drawn_requests import painting
from tests.serving.running import API, until_ready
from tests.socket_notes import asked_beyond_loopback, noting


def started(*options: str, **environment: str) -> subprocess.Popen[str]:
    """The command as a process."""
    command = [sys.executable, "-m", "facesynth", "serve", "--port", "0", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def test_the_demo_paints_asks_nobody_and_stops_gracefully(tmp_path: Path) -> None:
    environment = {**noting(tmp_path), "FACESYNTH_TOKEN": "sesame", "FACESYNTH_CACHE": str(tmp_path / "cache")}
    process = started("--demo", **environment)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:") and address.endswith("/#token=sesame")
        with httpx.Client(base_url=address.partition("#")[0], headers={"authorization": "Bearer sesame"}) as client:
            until_ready(client, 180)
            picture = client.post(f"{API}/synthesize", json=painting(1), timeout=60)
            assert Image.open(io.BytesIO(picture.content)).size == (256, 256)
            process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
        assert asked_beyond_loopback(tmp_path) == []
        assert process.returncode == 0 and told.startswith("licences of the weights used"), told
        assert len(told.splitlines()) == 1
    finally:
        process.kill()


def test_a_token_can_be_drawn() -> None:
    process = started("--demo", "--token", "random")
    try:
        assert process.stdout is not None
        token = process.stdout.readline().strip().partition("#token=")[2]
    finally:
        process.kill()
        process.communicate()
    assert len(token) >= 20 and "random" not in token


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FacesynthError, match=f"127.0.0.1:{port}: this port is in use.*--port {port + 1}"):
            listening.serve(Settings(port=port))


def test_a_host_that_is_not_this_machine() -> None:
    with pytest.raises(FacesynthError, match=r"192\.0\.2\.1:0: cannot listen"):
        listening.bound("192.0.2.1", 0)


def test_without_the_extra_the_command_that_brings_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(DependencyMissing, match=r"uvicorn is not installed.*facesynth\[serve\]"):
        listening.serve(Settings())


def test_weights_that_are_none_end_the_server(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    process = started("--generator", str(broken))
    _, told = process.communicate(timeout=180)
    assert process.returncode == 1
    assert "error:" in told and "broken.safetensors" in told and "Traceback" not in told


def test_a_host_that_cannot_be_a_name() -> None:
    with pytest.raises(FacesynthError, match="there is no such host"):
        listening.bound("a" * 70, 0)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("2001:db8::5", "[2001:db8::5]"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),
        ("here.example", "here.example"),
    ],
)
def test_the_address_is_one_that_browsers_read(host: str, told: str) -> None:
    assert listening.address(Settings(host=host), 1) == f"http://{told}:1/"


def test_two_servers_never_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False)  # as Windows has one
    monkeypatch.setattr(
        socket.socket, "setsockopt", lambda self, level, option, value: asked.append(option), raising=True
    )
    listening.bound("127.0.0.1", 0).close()
    assert asked == [socket.SO_KEEPALIVE]
