"""How a job that writes a folder is getting on: from what it tells there while it works, and from its report."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ijson

from facesynth.core.errors import OutputError
from facesynth.jobs.progress_file import Work, work_in
from facesynth.jobs.report_file import REPORT
from facesynth.outputs.partial import processes_at_work
from facesynth.report import HEAD_BYTES, starts_a_report

_SHOWN = 5
_LOOKED_AT = 100_000
"""Rows of a report that are looked at for problems, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job's output folder as it is now.

    `work` is what has not ended, on whatever machine; `processes` are those of this machine that write in it, also
    those that have told nothing yet. The rest is told by the report, which is an earlier one's while they do: `command`
    is None where there is none yet.
    """

    folder: Path
    work: tuple[Work, ...]
    processes: tuple[int, ...]
    command: str | None
    complete: bool
    counts: Mapping[str, int]
    problems: tuple[str, ...]

    @property
    def at_work(self) -> bool:
        """Whether somebody is at work on it, as far as is known."""
        return bool(self.processes) or any(one.state == "running" for one in self.work)


def is_job(folder: Path) -> bool:
    """Whether a job writes in a folder, or has left its report there."""
    return bool(work_in(folder) or processes_at_work(folder)) or _is_report(folder / REPORT)


def read_job(folder: Path) -> JobStatus:
    """A job's output folder as it is now. Raises OutputError where the report is damaged."""
    work, writing, file = work_in(folder), processes_at_work(folder), folder / REPORT
    here = {one.process.pid for one in work if one.process.alive}
    processes = tuple(sorted(here.union(writing)))
    if not _is_report(file):
        return JobStatus(
            folder=folder, work=work, processes=processes, command=None, complete=False, counts={}, problems=()
        )
    head: dict[str, object] = {}
    counts: dict[str, int] = {}
    try:
        with file.open("rb") as stream:
            for place, event, value in ijson.parse(stream):
                if place in ("command", "complete"):
                    head[place] = value
                elif place.startswith("counts.") and event == "number":
                    counts[place.removeprefix("counts.")] = int(value)
                elif (place, event) == ("counts", "end_map"):
                    break
        problems = _problems(file) if counts.get("failed") or counts.get("rejected") else ()
    except (OSError, ValueError, ijson.JSONError) as error:
        told = str(error).partition("\n")[0]  # a parser shows the place below
        raise OutputError(f"the report cannot be read ({told})", where=file) from error
    return JobStatus(
        folder=folder,
        work=work,
        processes=processes,
        command=str(head.get("command")),
        complete=head.get("complete") is True,
        counts=counts,
        problems=problems,
    )


def _problems(file: Path) -> tuple[str, ...]:
    found: list[str] = []
    with file.open("rb") as stream:
        for row in itertools.islice(ijson.items(stream, "items.item"), _LOOKED_AT):
            if row.get("reason"):
                part = f" ({row['part']})" if row.get("part") else ""
                found.append(f"{row['status']} {row['input']}{part}: {row['reason']}")
            if len(found) == _SHOWN:
                break
    return tuple(found)


def _is_report(file: Path) -> bool:
    try:
        if not file.is_file():  # opening a pipe would wait for ever
            return False
        with file.open("rb") as stream:
            return starts_a_report(stream.read(HEAD_BYTES))
    except OSError:
        return False
