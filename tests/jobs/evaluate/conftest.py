"""Weights of tiny networks with random parameters, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.test_replaced_weights import write_weights


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny parser, generator and encoder in one file."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, 0)
    return path
