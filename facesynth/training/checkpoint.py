"""The whole state of a training run on disk, written so that a kill at any moment leaves the last good one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from facesynth.core.errors import TrainingError

_NAME = re.compile(r"checkpoint-(\d{10})\.pt")
KEPT = 2


def save(folder: Path, nimg: int, state: Mapping[str, Any]) -> Path:
    """Write the state after `nimg` images and drop all but the newest checkpoints."""
    target = folder / f"checkpoint-{nimg:010d}.pt"
    draft = target.with_suffix(".tmp")
    try:
        torch.save({"nimg": nimg, **state}, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, target)
    except (OSError, RuntimeError) as error:  # torch's writer tells a full disk by a RuntimeError
        draft.unlink(missing_ok=True)
        told = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        free = shutil.disk_usage(folder).free / 1e6
        raise TrainingError(
            f"the checkpoint cannot be written ({told}); {free:,.0f} MB are free on that disk",
            where=folder,
            hint="make room and run the same command again: it goes on from the checkpoint before",
        ) from error
    for _, old in found(folder)[:-KEPT]:
        old.unlink()
    return target


def found(folder: Path) -> list[tuple[int, Path]]:
    """List (images shown, file) of a run's checkpoints, oldest first."""
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted((int(match[1]), path) for match, path in matches if match)


def load_latest(folder: Path) -> dict[str, Any] | None:
    """Read the newest checkpoint to main memory (a dictionary with `nimg`), or None when the run has none."""
    checkpoints = found(folder)
    if not checkpoints:
        return None
    *older, (_, path) = checkpoints
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged archive
        raise TrainingError(
            f"the checkpoint cannot be read ({type(error).__name__})",
            where=path,
            hint=f"remove this file: the run then {'goes on from the one before' if older else 'starts anew'}",
        ) from error
    return state
