"""Which process has trained a run last, and how that ended: process.json, for who looks at a run from outside."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from facesynth.core.errors import FacesynthError, OutputError
from facesynth.core.files import replacing
from facesynth.core.processes import born, is_alive, machine

FILE = "process.json"

Outcome: TypeAlias = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A process that holds a run, or held it: times are UTC in ISO 8601, `ended` None until it has let go.

    `machine` and `born` tell it from other processes of the same number, here and elsewhere.
    """

    pid: int
    host: str
    machine: str
    born: str | None
    started: str
    ended: str | None = None
    outcome: Outcome | None = None
    error: str | None = None

    @classmethod
    def of_this_process(cls, now: dt.datetime | None = None) -> ProcessRecord:
        """That of a process which starts to work `now`."""
        own, started = os.getpid(), _spelled(now or dt.datetime.now(dt.UTC))
        return cls(pid=own, host=socket.gethostname(), machine=machine(), born=born(own), started=started)

    @property
    def here(self) -> bool:
        """Whether it was started where this process is."""
        return self.machine == machine()

    @property
    def alive(self) -> bool:
        """Whether it is running here."""
        return self.here and self.ended is None and is_alive(self.pid) and self.born == born(self.pid)


def read_record(folder: Path) -> ProcessRecord | None:
    """The record of a run's folder; None where there is none that can be read."""
    try:
        found = ProcessRecord(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    sound = isinstance(found.pid, int) and found.pid > 0 and found.outcome in (None, *get_args(Outcome))
    return found if sound else None


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Keep the record while the block holds the run. A disk that is full does not keep a run from training.

    Without an error a run has finished where its weights were written meanwhile; else a signal stopped it.
    """
    now = dt.datetime.now(dt.UTC)
    record = ProcessRecord.of_this_process(now)
    _write(folder, record)
    outcome: Outcome = "stopped"
    told: str | None = None
    try:
        yield
        if _written_since(folder / f"{folder.name}.safetensors", now.timestamp()):
            outcome = "finished"
    except Exception as error:
        outcome = "failed"
        told = str(error) if isinstance(error, FacesynthError) else f"{type(error).__name__}: {error}"
        raise
    finally:
        ended = _spelled(dt.datetime.now(dt.UTC))
        _write(folder, dataclasses.replace(record, ended=ended, outcome=outcome, error=told))


def _written_since(file: Path, when: float) -> bool:
    try:
        return file.stat().st_mtime >= when - 1  # file systems' clocks tick slowly
    except OSError:
        return False


def _spelled(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _write(folder: Path, record: ProcessRecord) -> None:
    with contextlib.suppress(OutputError), replacing(folder / FILE) as draft:
        draft.write_text(json.dumps(dataclasses.asdict(record), indent=1) + "\n", encoding="utf-8")
