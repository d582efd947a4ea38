"""How far a job is, in a small hidden file of its output folder: for who looks from elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from facesynth.core.errors import OutputError
from facesynth.core.files import replacing
from facesynth.core.json_values import json_value
from facesynth.core.processes import is_alive, machine
from facesynth.jobs.execution import Progress
from facesynth.report import Report
from facesynth.training.process_record import ProcessRecord

EVERY = 3.0
"""Seconds between two of its words."""

_LOOKS = 100
"""The rate is that of so many looks, some minutes: what the cache holds is gone through much faster than the rest."""
_SILENT = 600.0
_STALE = 3600.0
_NAME = re.compile(r"\.progress-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.json")
"""Of which machine, and which of its processes."""

State: TypeAlias = Literal["running", "killed", "silent"]
"""`killed` without a word, as for lack of memory; `silent` where nothing was heard for ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A job that has not ended, as far as it was when it last told, `age` seconds ago.

    Of its part `what`, `done` of `total` things are finished, the last of them `idle` seconds before it told; where the
    total is `growing`, because archives are still to be listed or more may arrive, it is what is known of so far.
    `rate` is in things a second during the last minutes, `eta` in seconds; both are None where they are not known.
    `counts` are those of its report so far, `problems` the last that went wrong.
    """

    command: str
    process: ProcessRecord
    what: str
    done: int
    total: int
    growing: bool
    rate: float | None
    eta: float | None
    idle: float
    counts: Mapping[str, int]
    problems: tuple[str, ...]
    state: State = "running"
    age: float = 0.0


class Counted:
    """Passes on what a job tells of its progress, and counts along."""

    def __init__(self, told: Progress) -> None:
        self._told = told
        self.part, self.what, self.done, self.total = 0, "", 0, 0

    def begin(self, total: int, what: str) -> None:
        """See Progress, as for all of these."""
        self.part, self.what, self.done, self.total = self.part + 1, what, 0, total
        self._told.begin(total, what)

    def more(self, count: int) -> None:
        self.total += count
        self._told.more(count)

    def advance(self, count: int = 1) -> None:
        self.done += count
        self._told.advance(count)

    def note(self, message: str, **about: Any) -> None:
        self._told.note(message, **about)


@contextmanager
def shown(folder: Path, counted: Counted, report: Report, growing: Callable[[], bool]) -> Iterator[None]:
    """Tell every few seconds how far a job is that writes to `folder`, until the block ends.

    A thread of its own does it, and first removes what jobs that were killed have left. It makes no folder, so nothing
    is told before there is one, and where nothing can be written nothing is told.
    """
    file = folder / f".progress-{machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
    pace, process, ended = Pace(counted), ProcessRecord.of_this_process(), threading.Event()

    def tell() -> None:
        _remove_left(folder)
        while not ended.wait(EVERY):
            work = pace.look(report, process, growing())
            if folder.is_dir():
                with contextlib.suppress(OutputError), replacing(file) as draft:
                    draft.write_text(json.dumps(json_value(work)), encoding="ascii")

    thread = threading.Thread(target=tell, name="facesynth-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(EVERY)  # no longer: the disk may hang
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


class Pace:
    """How fast things get finished."""

    def __init__(self, counted: Counted, clock: Callable[[], float] = time.monotonic) -> None:
        self._counted, self._part, self._clock = counted, counted.part, clock
        self._looks = deque([(clock(), counted.done)], _LOOKS)
        self._last = self._looks[0]

    def look(self, report: Report, process: ProcessRecord, growing: bool) -> Work:
        """What there is to tell now."""
        now, counted = self._clock(), self._counted
        done, total = counted.done, counted.total
        if counted.part != self._part:
            self._part = counted.part
            self._looks = deque([(now, 0)], _LOOKS)
        if done != self._last[1]:
            self._last = (now, done)
        since, before = self._looks[0]
        rate = (done - before) / (now - since) if done > before and now > since else None
        if not done:  # what loading networks takes says nothing of how fast they are
            self._looks.clear()
        self._looks.append((now, done))
        return Work(
            command=report.command,
            process=process,
            what=counted.what,
            done=done,
            total=total,
            growing=growing,
            rate=rate,
            eta=None if rate is None or growing else max(0, total - done) / rate,
            idle=now - self._last[0],
            counts=report.counts,
            problems=tuple(f"{row.status} {row}: {row.reason}" for row in report.rows.latest_problems),
        )


def work_in(folder: Path) -> tuple[Work, ...]:
    """The jobs that write to a folder, and those that were killed while they did."""
    found = [_read(file) for file in _files(folder)]
    return tuple(work for work in found if work is not None)


def _read(file: Path) -> Work | None:
    try:
        age = max(0.0, time.time() - file.stat().st_mtime)
        told = json.loads(file.read_text(encoding="ascii"))
        process = ProcessRecord(**told.pop("process"))
        work = Work(**{**told, "process": process, "problems": tuple(map(str, told["problems"]))})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if not _is_sound(work):
        return None
    gone = process.here and not process.alive
    state: State = "killed" if gone else "silent" if age > _SILENT else "running"
    eta = None if work.eta is None or state != "running" else max(0.0, work.eta - age)
    return dataclasses.replace(work, state=state, age=age, eta=eta)


def _is_sound(work: Work) -> bool:
    """Whether a file held what `shown` writes: anybody may have put it there."""
    whole = (
        work.process.pid,
        work.done,
        work.total,
        *(work.counts.values() if isinstance(work.counts, dict) else [""]),
    )
    numbers = (work.idle, 0.0 if work.rate is None else work.rate, 0.0 if work.eta is None else work.eta)
    return all(isinstance(one, int) and one >= 0 for one in whole) and all(
        isinstance(one, int | float) and math.isfinite(one) for one in numbers
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.glob(".progress-*.json") if _NAME.fullmatch(file.name))
    except OSError:
        return []


def _remove_left(folder: Path) -> None:
    """Remove what killed jobs have left: known as dead at once, else where nothing was told for an hour."""
    here = machine()
    for file in _files(folder):
        match = _NAME.fullmatch(file.name)
        dead = match is not None and match[1] == here and not is_alive(int(match[2]))
        with contextlib.suppress(OSError):
            if dead or time.time() - file.stat().st_mtime > _STALE:
                file.unlink()
