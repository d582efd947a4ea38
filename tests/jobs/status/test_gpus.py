"""What the driver's tool tells of GPUs; a script in its place, as there is none on most machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.jobs.status.gpus import Gpu, gpus


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return script


def told(tool: Path, body: str) -> tuple[Gpu, ...]:
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(0o755)
    return gpus()


def test_as_the_driver_tells_it(tool: Path) -> None:
    lines = "0, NVIDIA H200, 93, 23000, 143771\\n1, Some GPU, [N/A], [N/A], [N/A]\\nNo devices were found\\n"
    asked = '[ "$1" = --query-gpu=index,name,utilization.gpu,memory.used,memory.total ] || exit 1'
    assert told(tool, f"{asked}\nprintf '{lines}'") == (
        Gpu(0, "NVIDIA H200", 0.93, 23000 << 20, 143771 << 20),
        Gpu(1, "Some GPU", None, None, None),
    )


def test_none_where_there_is_no_driver_or_it_does_not_answer(tool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus() == ()
    assert told(tool, "exit 9") == ()
    monkeypatch.setattr("facesynth.jobs.status.gpus._SECONDS", 0.2)
    assert told(tool, "exec sleep 20") == ()
