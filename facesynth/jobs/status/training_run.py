"""How a training run is getting on, from its folder: while it trains, after it, and whatever ended it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from facesynth.core.errors import TrainingError
from facesynth.training.process_record import ProcessRecord, read_record

State: TypeAlias = Literal["running", "finished", "stopped", "failed", "killed"]
"""`stopped` by a signal, with its state saved; `killed` without a word, as for lack of memory."""

_CHECKPOINT = re.compile(r"checkpoint-(\d{10})\.pt")
_TAIL = 1 << 20
"""Bytes of stats.jsonl that are read, from its end: some thousand rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """A run as it is now.

    `images` of `images_wanted` were shown when it wrote its last row of statistics, `last_row_age` seconds ago; `rate`
    is in images a second of training, since its process started; `eta` in seconds, without validations to come.
    `losses` are of that row, `scores` of the last validation, at `scores_at` images. What is not known is None or
    empty.
    """

    name: str
    folder: Path
    kind: str | None
    state: State
    images: int
    images_wanted: int | None
    seconds: float | None
    seconds_wanted: float | None
    rate: float | None
    eta: float | None
    last_row_age: float | None
    losses: Mapping[str, float]
    scores: Mapping[str, float]
    scores_at: int | None
    best: Mapping[str, Any] | None
    checkpoints: tuple[int, ...]
    weights: tuple[str, ...]
    samples: int
    error: str | None
    process: ProcessRecord | None

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1, by images or by time, whichever is further."""
        shares = [
            done / wanted
            for done, wanted in ((self.images, self.images_wanted), (self.seconds, self.seconds_wanted))
            if done is not None and wanted
        ]
        return min(1.0, max(shares)) if shares else None


def is_run(folder: Path) -> bool:
    """Whether a folder is a training run's, be it one that is only starting."""
    return (folder / "run.json").is_file() or read_record(folder) is not None


def read_run(folder: Path) -> RunStatus:
    """A run as it is now. Raises TrainingError for a folder that is none, and for a recipe that cannot be read."""
    folder = folder.resolve() if folder.name in ("", "..") else folder
    record, config = read_record(folder), _config(folder)
    if record is None and config is None:
        raise TrainingError("not a training run: it holds no run.json", where=folder)
    rows = _last_rows(folder / "stats.jsonl")
    last, validation = rows[-1] if rows else {}, next((row for row in reversed(rows) if _scores(row)), {})
    checkpoints = tuple(sorted(int(match[1]) for name in _names(folder) if (match := _CHECKPOINT.fullmatch(name))))
    images = max(int(last.get("nimg", 0)), *checkpoints, 0)
    age = _age(folder / "stats.jsonl") if rows else None
    state = _state(folder, record, images, config)
    wanted, wanted_seconds = _number(config, "images"), _number(config, "seconds")
    rate, seconds = last.get("images_per_second"), last.get("seconds")
    left = []
    if wanted is not None and rate:
        left.append(max(0.0, wanted - last["nimg"]) / rate)
    if wanted_seconds is not None and seconds is not None:
        left.append(max(0.0, wanted_seconds - seconds))
    return RunStatus(
        name=folder.name,
        folder=folder,
        kind=None if config is None else config.get("kind"),
        state=state,
        images=images,
        images_wanted=None if wanted is None else int(wanted),
        seconds=seconds,
        seconds_wanted=wanted_seconds,
        rate=rate,
        eta=max(0.0, min(left) - (age or 0.0)) if left and state == "running" else None,
        last_row_age=age,
        losses={name: value for name, value in last.items() if name not in _OTHER and not _is_score(name)},
        scores=_scores(validation),
        scores_at=int(validation["nimg"]) if validation else None,
        best=_best(folder),
        checkpoints=checkpoints,
        weights=tuple(sorted(name for name in _names(folder) if name.endswith(".safetensors"))),
        samples=sum(name.endswith(".png") and not name.startswith(".") for name in _names(folder / "samples")),
        error=None if record is None or state == "running" else record.error,
        process=record,
    )


_OTHER = frozenset({"nimg", "images_per_second", "seconds"})


def _state(folder: Path, record: ProcessRecord | None, images: int, config: Mapping[str, Any] | None) -> State:
    if record is not None and record.outcome is not None:
        return record.outcome
    if record is not None and record.here:
        return "running" if record.alive else "killed"
    if _is_locked(folder / ".lock"):  # by a process of another machine, or of an older facesynth
        return "running"
    if record is not None:
        return "killed"
    done = (folder / f"{folder.name}.safetensors").is_file() and images >= (_number(config, "images") or math.inf)
    return "finished" if done else "stopped"


def _is_locked(file: Path) -> bool:
    """Whether a process holds a lock, which is tried for an instant: alongside others who look, not with who trains."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        lock = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _config(folder: Path) -> Mapping[str, Any] | None:
    path = folder / "run.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))["config"]
        if not isinstance(config, dict):
            raise TypeError("its config is no object")
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise TrainingError("a file, not the folder of a run", where=folder) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"not a run's recipe ({error})", where=path) from error
    return config


def _last_rows(file: Path) -> list[dict[str, float]]:
    """The last rows of statistics; what is cut off, at either end, is passed by."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
            lines = stream.read().splitlines()
    except OSError:
        return []
    return [row for line in lines if (row := _row(line)) is not None]


def _row(line: bytes) -> dict[str, float] | None:
    with contextlib.suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict) and isinstance(row.get("nimg"), int):
            return {name: value for name, value in row.items() if isinstance(value, int | float)}
    return None


def _scores(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if _is_score(name)}


def _is_score(name: str) -> bool:
    return name.startswith("validation/")


def _best(folder: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads((folder / "best.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return


def _number(config: Mapping[str, Any] | None, key: str) -> float | None:
    value = None if config is None else config.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _age(file: Path) -> float | None:
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:
        return None
