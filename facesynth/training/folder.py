"""The folder of a training run: its lock, its recipe, its statistics and samples."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from facesynth.core.errors import TrainingError
from facesynth.core.files import replacing
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.training.process_record import recorded

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# What may change between two starts of the same run: how long it lasts, where and how often it writes, and where its
# files lie (the files themselves are compared by their digest).
_CHANGEABLE = (
    "images",
    "seconds",
    "every",
    "decay_images",
    "compile",
    "label_patterns",
    "watch",
    "best",
    "licence",
    "keep_discriminators",
    "data.folder",
    "data.extra",
    "teacher.weights",
    "teacher.folders",
    "cycle.generator",
    "cycle.folders",
)

_BOARD_SIDE = 1024
"""Pixels of a sheet's longer side in TensorBoard's files, which hold each sheet a second time."""


class RunFolder:
    """`runs/NAME/`: run.json, process.json, checkpoint-*.pt, stats.jsonl, samples/, tensorboard/, finished weights."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._board: SummaryWriter | None = None
        self._resumed_at = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; TrainingError when another one holds it. Closes what was opened meanwhile."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrainingError(
                "another process is training this run", where=self.path, hint="wait for it, or rename the run"
            ) from None
        try:
            for stale in (*self.path.glob(".*.part"), *self.path.glob("samples/.*.part")):  # of a killed process
                stale.unlink(missing_ok=True)
            with recorded(self.path):
                yield
        finally:
            if self._board is not None:
                self._board.close()
                self._board = None
            lock.release()

    def settle(self, config: Any, *, data: str, begun: bool) -> None:
        """Write the run's recipe; once it has `begun`, refuse one that does not go on from it."""
        recipe = json.loads(json.dumps({"config": dataclasses.asdict(config), "data": data}))
        path = self.path / "run.json"
        if begun and path.is_file():
            try:
                before = json.loads(path.read_text(encoding="utf-8"))
                changed = [] if before["data"] == recipe["data"] else ["data"]
                changed += _differences(before["config"], recipe["config"], _defaults(config))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise TrainingError(f"not a run's recipe ({error})", where=path, hint="remove this folder") from error
            if changed:
                raise TrainingError(
                    f"this run was started with other settings: {', '.join(changed)}",
                    where=self.path,
                    hint="give the run another name (--set name=NEW), or remove its folder to start anew",
                )
        _publish(path, json.dumps(recipe, indent=2) + "\n")

    def write_stats(self, nimg: int, values: Mapping[str, float]) -> None:
        """Append one line to stats.jsonl, and the same to TensorBoard. TrainingError where that cannot be done."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        path = self.path / "stats.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"nimg": nimg, **finite}) + "\n")
            self._tell_tensorboard(nimg, values)
        except OSError as error:
            raise TrainingError(
                f"cannot be written ({error.strerror or error})",
                where=path,
                hint="make room and run the same command again: it goes on from the last checkpoint",
            ) from error

    def _tell_tensorboard(self, nimg: int, values: Mapping[str, float]) -> None:
        board = self._opened_board()
        for name, value in values.items():
            board.add_scalar(name, value, nimg)
        board.flush()

    def _opened_board(self) -> SummaryWriter:
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            # What a killed process told TensorBoard after its last checkpoint is hidden: it comes again.
            purge = self._resumed_at + 1 if self._resumed_at else None
            self._board = SummaryWriter(str(self.path / "tensorboard"), purge_step=purge)
        return self._board

    def forget_after(self, nimg: int) -> None:
        """Drop the statistics past `nimg`: what a killed process wrote after its last checkpoint is done again."""
        self._resumed_at = nimg
        path = self.path / "stats.jsonl"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            _publish(path, "".join(line + "\n" for line in lines if _shown(line) <= nimg))

    def write_samples(self, nimg: int, sheet: Photo, text: Mapping[str, str]) -> None:
        """Write samples/NIMG.png, and the same, shrunk to 1024 pixels where it is larger, to TensorBoard."""
        folder = self.path / "samples"
        folder.mkdir(exist_ok=True)
        write_photo(sheet, folder / f"{nimg:010d}.png", text=text)
        scale = min(1.0, _BOARD_SIDE / max(sheet.size))
        shown = sheet if scale == 1 else sheet.resized(*(max(1, round(side * scale)) for side in sheet.size))
        board = self._opened_board()
        board.add_image("samples", shown.pixels, nimg, dataformats="HWC")
        board.flush()


def _publish(path: Path, text: str) -> None:
    """Replace a file as a whole: a kill leaves the old text or the new."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _shown(line: str) -> float:
    """The count of images of a line of statistics; infinite for one that a kill cut off."""
    try:
        return float(json.loads(line)["nimg"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _defaults(config: Any) -> dict[str, Any]:
    """The settings of a run that was told nothing: what a key meant before it was there."""
    defaults: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(type(config)(name=config.name))))
    return defaults


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], defaults: Mapping[str, Any], within: str = ""
) -> list[str]:
    """The keys, as `key.sub`, whose values differ and may not."""
    found: list[str] = []
    for name, value in now.items():
        key, old, default = f"{within}{name}", before.get(name, defaults.get(name)), defaults.get(name)
        if key in _CHANGEABLE:
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            found += _differences(old, value, default if isinstance(default, dict) else {}, f"{key}.")
        elif old != value:
            found.append(key)
    return found
