"""How the state of training runs and jobs is told: in lines for people, in JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from facesynth.cli.one_line import one_line
from facesynth.cli.quantities import spelled_size, spelled_time
from facesynth.core.errors import FacesynthError
from facesynth.core.json_values import json_value
from facesynth.jobs.progress_file import Work
from facesynth.jobs.status.gpus import Gpu
from facesynth.jobs.status.job_folder import JobStatus
from facesynth.jobs.status.overview import Found
from facesynth.jobs.status.training_run import RunStatus

_QUIET = 600.0
"""Seconds without a row of statistics, or a finished item, after which that is said of a running one."""


def told(found: Found) -> str:
    """A run or a job, all that is known of it; a line of what is neither."""
    if isinstance(found, FacesynthError):
        return one_line(found)
    lines = _run(found) if isinstance(found, RunStatus) else _job(found)
    head, *rest = ((name, one_line(text)) for name, text in lines)
    return "\n".join([f"{one_line(head[0])}: {head[1]}", *(f"  {name:<12} {text}" for name, text in rest)])


def told_shortly(name: str, found: Found) -> str:
    """The same as one line of a table."""
    if isinstance(found, FacesynthError):
        return one_line(f"{name:<24} -         {found}")
    if isinstance(found, JobStatus):
        working = "; ".join(f"{work.command} {_progress(work)}, {_counts(work.counts)}" for work in found.work)
        return one_line(f"{found.folder}: {working}") if working else told(found).partition("\n")[0]
    share = "" if found.share is None else f"{found.share:.0%}"
    rate = f"{found.rate:.3g}/s" if found.rate and found.state == "running" else ""
    left = "" if found.eta is None else f"{spelled_time(found.eta)} left"
    last = found.error or ", ".join(_measures(found.losses, 3))
    columns = f"{found.name:<24} {found.state:<9} {found.images:>12,} images {share:>5}  {rate:<10} {left:<16} {last}"
    return one_line(columns.rstrip())


def told_of_gpus(gpus: Sequence[Gpu]) -> Iterator[str]:
    """A line for each GPU."""
    for gpu in gpus:
        busy = "" if gpu.busy is None else f", {gpu.busy:.0%} busy"
        memory = "" if gpu.used is None or gpu.total is None else (
            f", {spelled_size(gpu.used)} of {spelled_size(gpu.total)} in use"
        )  # fmt: skip
        yield f"GPU {gpu.index}: {gpu.name}{busy}{memory}"


def as_json(name: str, found: Found) -> dict[str, Any]:
    """The same for machines; a number that is not finite is null."""
    if isinstance(found, FacesynthError):
        return {"name": name, "what": "unknown", "error": str(found)}
    document = {"name": name, "what": "run" if isinstance(found, RunStatus) else "job", **json_value(found)}
    if isinstance(found, RunStatus):
        document["share"] = found.share
    else:
        document["at_work"] = found.at_work
    return document


def gpus_as_json(gpus: Sequence[Gpu]) -> list[Any]:
    """GPUs for machines."""
    return [json_value(gpu) for gpu in gpus]


def _run(run: RunStatus) -> Iterator[tuple[str, str]]:
    process = run.process
    where = "" if process is None else f", process {process.pid} on {process.host} since {process.started}"
    if process is not None and process.ended is not None:
        where = f" at {process.ended}, process {process.pid} on {process.host}"
    silent = run.state == "running" and run.last_row_age is not None and run.last_row_age > _QUIET
    quiet = f", silent for {spelled_time(run.last_row_age or 0)}" if silent else ""
    yield run.name, f"{run.state}{where}{quiet}"
    if run.images_wanted is None:
        yield "images", "none yet: it has not begun to train"
    else:
        rate = f", {run.rate:.3g} a second" if run.rate else ""
        eta = f", about {spelled_time(run.eta)} left" if run.eta is not None else ""
        share = "" if run.share is None else f" ({run.share:.1%})"
        yield "images", f"{run.images:,} of {run.images_wanted:,}{share}{rate}{eta}"
    if run.seconds_wanted is not None:
        yield "time", f"{spelled_time(run.seconds or 0)} of {spelled_time(run.seconds_wanted)} of training"
    if run.losses:
        age = "" if run.last_row_age is None else f" ({spelled_time(run.last_row_age)} ago)"
        yield "losses", ", ".join(_measures(run.losses)) + age
    if run.scores:
        yield "scores", ", ".join(_measures(run.scores)) + f" (after {run.scores_at:,} images)"
    if run.best is not None:
        value = run.best.get("value")
        yield "best", f"{run.best.get('measure')} {value} (after {run.best.get('nimg')} images)"
    if run.checkpoints:
        yield "checkpoints", ", ".join(f"{count:,}" for count in run.checkpoints)
    if run.weights:
        yield "weights", ", ".join(run.weights)
    if run.samples:
        yield "samples", f"{run.samples} in {run.folder / 'samples'}"
    if run.error is not None:
        yield "error", run.error
    if run.state == "killed":
        kept = f"the checkpoint of image {run.checkpoints[-1]:,}" if run.checkpoints else "the beginning"
        yield "hint", f"it ended without a word, as for lack of memory; the same command goes on from {kept}"


def _job(job: JobStatus) -> Iterator[tuple[str, str]]:
    if len(job.work) == 1:
        (_, text), *rest = _work(job.work[0])
        yield str(job.folder), text
        yield from rest
    elif job.work:
        yield str(job.folder), f"{len(job.work)} jobs"
        for work in job.work:
            yield from _work(work)
    elif job.processes:
        at_work = ", ".join(map(str, job.processes))
        yield str(job.folder), f"being written by process {at_work}, which has told nothing yet"
    else:
        ended = "all gone through" if job.complete else "interrupted or ended by an error"
        yield str(job.folder), f"{job.command}, {ended}"
    if job.command is not None:
        earlier = " by an earlier one" if job.work or job.processes else ""
        yield "items", f"{_counts(job.counts)}{earlier}"
    for problem in () if job.work else job.problems:
        yield "problem", problem


def _work(work: Work) -> Iterator[tuple[str, str]]:
    process = work.process
    silent = f" for {spelled_time(work.age)}" if work.state == "silent" else ""
    since = f"process {process.pid} on {process.host} since {process.started}"
    yield "job", f"{work.command}, {work.state}{silent}, {since}"
    yield "progress", f"{'' if work.what == work.command else f'{work.what}: '}{_progress(work)}"
    yield "so far", _counts(work.counts)
    for problem in work.problems:
        yield "problem", problem
    if work.state == "killed":
        yield "hint", "it ended without a word, as for lack of memory; the same command goes on with what is cached"
    if work.state == "silent":
        yield (
            "hint",
            "it may have ended without a word: look on its machine; the same command goes on with what is cached",
        )


def _progress(work: Work) -> str:
    share = f" ({work.done / work.total:.1%})" if work.total and not work.growing else ""
    known = " known of so far" if work.growing else ""
    rate = f", {work.rate:.3g} a second" if work.rate else ""
    eta = f", about {spelled_time(work.eta)} left" if work.eta is not None and work.state == "running" else ""
    idle = work.idle + work.age
    quiet = f", none finished for {spelled_time(idle)}" if idle > _QUIET and work.done < work.total else ""
    return f"{work.done:,} of {work.total:,}{share}{known}{rate}{eta}{quiet}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "nothing"


def _measures(values: Mapping[str, float], most: int | None = None) -> list[str]:
    return [f"{name} {value:.4g}" for name, value in [*values.items()][:most]]
