"""Folders of training runs, as a run leaves them, and what a job tells of itself while it works."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.json_values import json_value
from facesynth.jobs.progress_file import Work
from facesynth.training.process_record import ProcessRecord

FAR = ProcessRecord(pid=7, host="node-3", machine="00000000", born="1", started="2026-01-01T00:00:00Z")
"""A process of another machine."""

HALF = Work(
    command="segment",
    process=FAR,
    what="segment",
    done=1234,
    total=10_000,
    growing=False,
    rate=8.2,
    eta=1069.0,
    idle=1.0,
    counts={"done": 1200, "cached": 30, "rejected": 0, "failed": 4},
    problems=("failed x.jpg: not an image",),
)

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes the folder of a run: its recipe, and rows of statistics."""

    def make(name: str = "one", rows: list[dict[str, Any]] | None = None, **config: Any) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        recipe = {"config": {"kind": "spade", "name": name, "images": 1000, **config}, "data": "d" * 64}
        (folder / "run.json").write_text(json.dumps(recipe))
        if rows is not None:
            (folder / "stats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    return make


def left_by(folder: Path, work: Work, *, age: float = 0.0) -> Path:
    """The file that a job wrote `age` seconds ago, of a process that is not this one."""
    file = folder / f".progress-{work.process.machine}-{work.process.pid}-{work.what[:2].encode().hex() * 2}.json"
    file.write_text(json.dumps(json_value(dataclasses.replace(work, age=0.0))))
    os.utime(file, (time.time() - age,) * 2)
    return file
