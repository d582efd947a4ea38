"""The folder of a training run: its lock, its recipe, its statistics and samples."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from facesynth.core.errors import TrainingError
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo

# What may change between two starts of the same run: how long it lasts, and where and how often it writes.
_CHANGEABLE = ("images", "every", "decay_images")


class RunFolder:
    """`runs/NAME/`: run.json, checkpoint-*.pt, stats.jsonl, samples/, tensorboard/ and the finished weights."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; TrainingError when another one holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrainingError(
                "another process is training this run", where=self.path, hint="wait for it, or rename the run"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def settle(self, config: Any, *, data: str) -> None:
        """Write the run's recipe at its first start; afterwards refuse a recipe that does not go on from it."""
        recipe = json.loads(json.dumps({"config": dataclasses.asdict(config), "data": data}))
        path = self.path / "run.json"
        if path.is_file():
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = _differences(before, recipe)
            if changed:
                raise TrainingError(
                    f"this run was started with other settings: {', '.join(changed)}",
                    where=self.path,
                    hint="give the run another name (--set name=NEW), or remove its folder to start anew",
                )
        path.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")

    def write_stats(self, nimg: int, values: Mapping[str, float]) -> None:
        """Append one line to stats.jsonl and the same numbers to TensorBoard."""
        with (self.path / "stats.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"nimg": nimg, **values}) + "\n")
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.path / "tensorboard"), filename_suffix=f".{nimg}") as board:
            for name, value in values.items():
                board.add_scalar(name, value, nimg)

    def forget_after(self, nimg: int) -> None:
        """Drop the statistics past `nimg`: what a killed process wrote after its last checkpoint is done again."""
        path = self.path / "stats.jsonl"
        if path.is_file():
            lines = [line for line in path.read_text(encoding="utf-8").splitlines() if json.loads(line)["nimg"] <= nimg]
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    def write_samples(self, nimg: int, sheet: Photo, text: Mapping[str, str]) -> None:
        """Write samples/NIMG.png."""
        folder = self.path / "samples"
        folder.mkdir(exist_ok=True)
        write_photo(sheet, folder / f"{nimg:010d}.png", text=text)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = [] if before["data"] == now["data"] else ["data"]
    old, new = before["config"], now["config"]
    return names + [key for key in new if key not in _CHANGEABLE and old.get(key) != new[key]]
