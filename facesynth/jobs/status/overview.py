"""Which runs and jobs there are to tell of."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TypeAlias

from facesynth.core.errors import FacesynthError, TrainingError, UsageError
from facesynth.jobs.status.job_folder import JobStatus, is_job, read_job
from facesynth.jobs.status.training_run import RunStatus, is_run, read_run

Found: TypeAlias = RunStatus | JobStatus | FacesynthError
"""A run, a job, or why a folder is neither."""


def is_at_work(found: Found) -> bool:
    """Whether somebody is at work on it."""
    return (isinstance(found, RunStatus) and found.state == "running") or (
        isinstance(found, JobStatus) and found.at_work
    )


def news_of(found: Found) -> object:
    """What is equal where there is no news."""
    if isinstance(found, RunStatus):
        return found.state, found.images, found.scores_at, found.checkpoints
    if isinstance(found, JobStatus):
        work = tuple(dataclasses.replace(one, rate=None, eta=None, idle=0.0, age=0.0) for one in found.work)
        return dataclasses.replace(found, work=work)
    return str(found)


def folder_of(named: str, runs: Path) -> Path:
    """The folder that a name stands for: one that is there, else that of a run in `runs`."""
    inside = runs / named
    return inside if inside.is_dir() and not Path(named).is_dir() else Path(named)


def look_at(named: str, runs: Path) -> RunStatus | JobStatus:
    """The run or job in a folder, or the run of that name in `runs`.

    Raises UsageError where there is no such folder, TrainingError for one that is neither a run's nor a job's, and what
    is wrong with one that is.
    """
    folder = folder_of(named, runs)
    if not folder.exists():
        known = [path.name for path in _folders(runs) if is_run(path)]
        hint = f"there are: {', '.join(known)}" if known else f"there are none in {runs}"
        raise UsageError("no such run", where=named, hint=hint)
    if not is_run(folder) and is_job(folder):
        return read_job(folder)
    if not is_run(folder) and folder.is_dir():
        what = "neither a training run (it holds no run.json) nor the output of a job (no report.json)"
        raise TrainingError(what, where=folder)
    return read_run(folder)


def look_at_all(runs: Path) -> list[tuple[str, Found]]:
    """All runs in a folder by name; for a folder that is none, or damaged, what is wrong with it. Raises UsageError."""
    if not runs.is_dir():
        raise UsageError("there is no folder of runs here", where=runs, hint="name a run, or the folder with --runs")
    found: list[tuple[str, Found]] = []
    for folder in _folders(runs):
        try:
            found.append((folder.name, read_run(folder)))
        except FacesynthError as error:
            found.append((folder.name, error))
    return found


def _folders(runs: Path) -> list[Path]:
    try:
        return sorted(path for path in runs.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []
