"""Nothing that facesynth does, and nothing that it depends on, asks for anything over the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from facesynth import weights
from tests.socket_notes import asked_beyond_loopback, noting

_ASKING = """
import socket
with socket.create_server(("127.0.0.1", 0)) as here, socket.create_connection(here.getsockname()):
    socket.getaddrinfo("localhost", 80)
far = socket.socket()
far.setblocking(False)
far.connect_ex(("192.0.2.1", 9))
try:
    socket.getaddrinfo("nowhere.invalid", 443)
except OSError:
    pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.2", 9))
"""


def test_the_watch_sees_processes_of_processes(tmp_path: Path) -> None:
    starting = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_ASKING!r}], check=False)"
    subprocess.run([sys.executable, "-c", starting], env=noting(tmp_path), check=True)
    asked = [note.split(" [")[0] for note in asked_beyond_loopback(tmp_path)]
    assert asked == [
        "socket.connect ('192.0.2.1', 9)",
        "socket.getaddrinfo 'nowhere.invalid'",
        "socket.connect ('192.0.2.2', 9)",
    ]


def test_a_run_asks_nobody(tmp_path: Path) -> None:
    """Aligns, parses, reads the style and paints, by the engines that are installed. The server's test is its own."""
    photo = weights.data_folder("photos") / "small.jpg"
    command = [sys.executable, "-m", "facesynth", "run", "demo.yaml", str(photo), "-o", str(tmp_path / "out")]
    ended = subprocess.run(
        [*command, "--cache", str(tmp_path / "cache")],
        env=noting(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out" / "report.json").is_file()
    assert asked_beyond_loopback(tmp_path) == []
