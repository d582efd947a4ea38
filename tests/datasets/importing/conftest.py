"""A small dataset to import, where it goes, and what is asked of the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesynth.datasets.importing.engine import Imported
from facesynth.datasets.manifest import Manifest
from tests.text_layout import write_texts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "texts", 12)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def names(done: Imported) -> list[str]:
    return [sample.name for sample in Manifest.open(done.manifest)]


def report(done: Imported) -> Any:
    return json.loads(done.report.read_text(encoding="utf-8"))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def interrupting(after: int) -> Callable[[str, str], None]:
    """What hears of each face, and is interrupted by the user."""
    heard: list[str] = []

    def hear(name: str, outcome: str) -> None:
        heard.append(name)
        if len(heard) == after:
            raise KeyboardInterrupt

    return hear
