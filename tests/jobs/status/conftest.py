"""Folders of training runs, as a run leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
