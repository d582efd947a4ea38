"""How far a command is: a bar on a terminal, a line every five percent in a log, JSON for machines; all on stderr.

Each JSON line is an object with `time` (UTC, ISO 8601), `level` (info, warning or error), `event` and `message`, and
what else the event has to say of itself.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import IO, Any, Protocol, cast

from facesynth.cli.one_line import one_line
from facesynth.core.json_values import json_value


class Console(Protocol):
    """What jobs and commands tell the user; see facesynth.jobs.execution.Progress."""

    def begin(self, total: int, what: str) -> None: ...

    def more(self, count: int) -> None: ...

    def advance(self, count: int = 1) -> None: ...

    def note(self, message: str, **about: Any) -> None: ...

    def close(self) -> None:
        """Take the bar away; notes may follow."""


@contextlib.contextmanager
def console(log_format: str, *, quiet: bool) -> Iterator[Console]:
    """The console for this place and these options; closed at the end. `quiet` leaves notes alone."""
    chosen: Console
    if log_format == "text" and not quiet and sys.stderr.isatty():
        chosen = Bar()
    else:
        chosen = Log(as_json=log_format == "json", quiet=quiet)
    try:
        yield chosen
    finally:
        chosen.close()


class Bar:
    """A bar with counts, speed and the time that is left."""

    def __init__(self) -> None:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        what = TextColumn("{task.description}", markup=False)
        columns = (what, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._terminal = Terminal(file=cast(IO[str], _Heedless(sys.stderr)), highlight=False, soft_wrap=True)
        self._progress = Progress(*columns, console=self._terminal, transient=True)
        self._task: Any = None

    def begin(self, total: int, what: str) -> None:
        if self._task is None:
            self._progress.start()
        else:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(one_line(what), total=total)

    def more(self, count: int) -> None:
        task = self._progress.tasks[-1]
        self._progress.update(self._task, total=(task.total or 0) + count)

    def advance(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)

    def note(self, message: str, **about: Any) -> None:
        self._terminal.print(one_line(message), markup=False)

    def close(self) -> None:
        self._progress.stop()


class _Heedless:
    """A stream that takes what it is given, also where nobody listens any more; see `tell`."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


class Log:
    """Lines: progress when five percent and a second have passed since the last one, and notes."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self._json, self._quiet = as_json, quiet
        self._what, self._total, self._done = "", 0, 0
        self._told, self._when = 0, 0.0

    def begin(self, total: int, what: str) -> None:
        self._what, self._total, self._done, self._told = what, total, 0, 0
        self._when = time.monotonic()

    def more(self, count: int) -> None:
        self._total += count

    def advance(self, count: int = 1) -> None:
        self._done += count
        last = self._done == self._total
        due = (self._done - self._told) * 20 >= self._total and time.monotonic() - self._when >= 1
        if due or (last and self._done > self._told):
            self._told, self._when = self._done, time.monotonic()
            if not self._quiet:
                told: dict[str, Any] = {"what": self._what, "done": self._done, "total": self._total}
                tell(f"{self._what}: {self._done}/{self._total}", as_json=self._json, event="progress", **told)

    def note(self, message: str, **about: Any) -> None:
        tell(message, as_json=self._json, **about)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def tell(message: str, *, as_json: bool = False, event: str = "note", level: str = "info", **about: Any) -> None:
    """Write a line to stderr, or a JSON object that holds it and what else there is to say `about` it.

    What cannot be printed is escaped: a name may hold line feeds, which would forge lines, and codes for the terminal.
    Where nobody listens any more, as when the terminal was closed, the work goes on all the same.
    """
    text = one_line(message)
    if as_json:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"time": now, "level": level, "event": event, "message": message, **json_value(about)}
        text = json.dumps(told, ensure_ascii=False, allow_nan=False, default=str)
        text = text if text.isprintable() else json.dumps(told, allow_nan=False, default=str)
    # A log need not be UTF-8.
    encoding = sys.stderr.encoding or "utf-8"
    with contextlib.suppress(OSError):
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def log_as_json() -> None:
    """Have what is logged become JSON lines: by libraries what they warn of, by the server every request too."""
    logging.captureWarnings(True)
    logging.getLogger("facesynth").setLevel(logging.INFO)
    root = logging.getLogger()
    if not any(isinstance(handler, _JsonLines) for handler in root.handlers):
        root.addHandler(_JsonLines())


class _JsonLines(logging.Handler):
    """What is logged, as lines; a record's `about` tells more of it."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning" if record.levelno > logging.INFO else "info"
        message = logging.Formatter("%(message)s").format(record)
        about = {"event": "log", "logger": record.name, **getattr(record, "about", {})}
        tell(message, as_json=True, level=level, **about)
