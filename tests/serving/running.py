"""Servers for tests: inside the test's process, or listening on a free port in a thread of it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import uvicorn
from starlette.testclient import TestClient

from facesynth.serving.app import create_app
from facesynth.serving.lines import TimedLines
from facesynth.serving.listening import bound
from facesynth.serving.settings import Limits, Settings
from facesynth.serving.worker.process import Load
from tests.serving import drawn_computing

ADDRESS = "http://127.0.0.1:7860"
API = "/api/v1"


def until_ready(client: httpx.Client, seconds: float = 60) -> None:
    """Wait for the worker."""
    end = time.monotonic() + seconds
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < end, client.get("/readyz").text
        time.sleep(0.02)


@contextlib.contextmanager
def in_process(load: Load = drawn_computing.load, **settings: Any) -> Iterator[TestClient]:
    """A client of a server without a socket, ready."""
    app = create_app(Settings(**settings), load=load)
    with TestClient(app, base_url=ADDRESS, client=("127.0.0.1", 50000)) as client:
        until_ready(client)
        yield client


@contextlib.contextmanager
def listening(
    load: Load = drawn_computing.load, *, limits: Limits | None = None, seconds: float = 60, **settings: Any
) -> Iterator[str]:
    """The address of a server that listens, ready within some seconds."""
    chosen = Settings(limits=limits or Limits(), **settings)
    with bound("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            create_app(chosen, load=load),
            http=TimedLines,
            ws="none",
            lifespan="on",
            log_config=None,
            server_header=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.start()
        try:
            with httpx.Client(base_url=address) as client:
                until_ready(client, seconds)
            yield address
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()
