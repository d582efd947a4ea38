"""A manifest that tests fill, folders of their own, and a server of files."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from facesynth.weights import WeightsFile

DATA = bytes(range(256)) * 4096
SHA = hashlib.sha256(DATA).hexdigest()


def made(**fields: object) -> WeightsFile:
    plain: dict[str, object] = {"name": "toy", "kind": "parser", "file": "toy.bin", "licence": "CC0", "about": "a toy"}
    return WeightsFile(**(plain | {"sha256": SHA, "size": len(DATA)} | fields))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees this machine's own folders of weights."""
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "fetched"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("FACESYNTH_OFFLINE", raising=False)
    return tmp_path / "fetched"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, WeightsFile]:
    """The manifest, which the test fills."""
    entries: dict[str, WeightsFile] = {}
    for place in ("facesynth.weights.entries.manifest", "facesynth.weights.manifest"):
        monkeypatch.setattr(place, lambda: entries)
    return entries


@dataclasses.dataclass
class Server:
    url: str
    files: dict[str, bytes]
    asked: list[str]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    files: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            promised = max(len(DATA), len(data))  # fewer bytes than promised is a broken connection
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who asked may have had enough
                self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{http.server_port}", files, asked)
        http.shutdown()
        thread.join()
