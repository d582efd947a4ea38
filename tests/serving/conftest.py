"""One server a module: its worker is started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.serving.running import in_process


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of a server with default settings."""
    with in_process() as client:
        yield client
