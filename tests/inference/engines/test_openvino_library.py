"""Importing openvino tells nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_WATCHED = """
import os, sys
seen = []
telling = ("socket.", "os.fork", "subprocess.")
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith(telling) else None)
{}
print(sorted(set(seen)), sys.modules.get("openvino_telemetry"))
"""
_BY = {
    "itself": "from facesynth.inference.engines.openvino_library import openvino_library; openvino_library().Core()",
    "drawn faces": "from facesynth.datasets import random_faces; random_faces.openvino_library()",
}


@pytest.mark.parametrize("way", _BY)
def test_openvino_is_imported_without_its_telemetry(way: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _WATCHED.format(_BY[way])],
        env={"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[] None\n", "neither a connection nor a process to make one"
    assert list(tmp_path.iterdir()) == [], "no identity is kept for it"
