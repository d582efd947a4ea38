"""Seeded weights, no network, and no weights of this machine's own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.inference.extractors.seeded import seeded_inception, seeded_layers


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in this machine's own folders, and whoever tries to download fails the test."""
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "fetched"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def refuse(*_: object) -> None:
        raise AssertionError("an extractor went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded_inception(tmp_path_factory.mktemp("seeded") / "inception.pth")


@pytest.fixture(scope="session")
def alexnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded_layers(tmp_path_factory.mktemp("seeded") / "alexnet.pth", "alexnet")
