"""What became of every item of a run: the rows of report.json, their counts, and those of what went wrong alone."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from facesynth import __version__
from facesynth.core.json_values import json_value
from facesynth.core.sorted_spool import SortedSpool

Status = Literal["done", "cached", "rejected", "failed"]

_PACKAGES = (
    "dlib-bin",
    "face-alignment",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "opencv-python-headless",
    "openvino",
    "pillow",
    "scipy",
    "torch",
    "torch-fidelity",
    "torchmetrics",
    "torchvision",
)

_LATEST = 5

HEAD_BYTES = 200
"""As many of a report's first bytes tell that it is one."""

_HEAD = re.compile(rb'\s*\{\s*"command":\s*"[^"]*",\s*"complete":\s*(true|false),\s*"counts":\s*\{')


@dataclass(frozen=True, slots=True)
class Row:
    """One item: a photo or label map, and `part` of it where several were made of it ("face 1", "seed 3").

    `outputs` are relative to the output folder; `reason` tells of a rejected or failed one why; `about` is what else a
    command has to say of it, as JSON values by name.
    """

    input: str
    status: Status
    outputs: tuple[str, ...] = ()
    reason: str | None = None
    part: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.input if self.part is None else f"{self.input} ({self.part})"


class Rows:
    """The rows of a report, told in the order of inputs; beyond some thousands they lie on the disk, not in memory.

    Rows that are told again from the disk hold what JSON can hold; `latest_problems` are the last that were rejected or
    failed, which any thread may read, and `on_problem` hears of each as it is added. Raises OSError where there is no
    room for them.
    """

    on_problem: Callable[[Row], None] | None = None

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.counts: Counter[Status] = Counter()
        self.latest_problems: tuple[Row, ...] = ()
        self._all, self._problems = SortedSpool[Row](_encoded, _decoded), SortedSpool[Row](_encoded, _decoded)
        for row in rows:
            self.append(row)

    def append(self, row: Row) -> None:
        """Add a row, in any order."""
        self.counts[row.status] += 1
        key = _order(row)
        self._all.add(key, row)
        if row.reason is not None:
            self._problems.add(key, row)
            self.latest_problems = (*self.latest_problems, row)[-_LATEST:]
            if self.on_problem is not None:
                self.on_problem(row)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._all)

    def __len__(self) -> int:
        return self.counts.total()

    @property
    def problems(self) -> Iterator[Row]:
        """The rejected and failed ones alone."""
        return iter(self._problems)

    def lines(self) -> Iterator[bytes]:
        """Each row as JSON on one line, without its end."""
        return self._all.encoded()


@dataclass(slots=True)
class Report:
    """What a command did: `settings` are its options, `weights` the sha256 of every weights file by stage and role."""

    command: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: Rows = field(default_factory=Rows)
    weights: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    """False for a run that was interrupted, or ended by an error."""

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows of each status."""
        return {status: self.rows.counts[status] for status in get_args(Status)}

    @property
    def exit_code(self) -> int:
        """0 when everything is done, 3 when some items were rejected or failed."""
        return 3 if self.rows.counts["rejected"] or self.rows.counts["failed"] else 0

    def summary(self) -> str:
        """One line, such as `12 done, 3 cached, 1 rejected`."""
        counts = self.counts
        told = [f"{count} {status}" for status, count in counts.items() if count or status == "done"]
        return ", ".join(told)

    def to_json(self) -> bytes:
        """The whole report as `json_pieces` gives it, for one that is small."""
        return b"".join(self.json_pieces())

    def json_pieces(self) -> Iterator[bytes]:
        """The report as JSON in UTF-8, piece by piece: a line for each row, in the order of inputs.

        A number that is nan or infinite is null: a report of much work is not lost for one number in it.
        """
        document = {
            "command": self.command,
            "complete": self.complete,
            "counts": self.counts,
            "settings": dict(self.settings),
            "versions": installed_versions(),
            "weights": dict(sorted(self.weights.items())),
        }
        head = json.dumps(json_value(document), indent=1, ensure_ascii=False, allow_nan=False, default=str)
        yield head.removesuffix("\n}").encode("utf-8", "backslashreplace") + b',\n "items": ['
        between = b"\n  "
        for line in self.rows.lines():
            yield between + line
            between = b",\n  "
        yield b"\n ]\n}\n" if self.rows else b"]\n}\n"


def starts_a_report(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a report, as `Report.to_json` writes it."""
    return _HEAD.match(head) is not None


def installed_versions() -> dict[str, str]:
    """The versions that a result depends on, without importing anything."""
    versions = {"facesynth": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _order(row: Row) -> bytes:
    """What rows are sorted by: their input, then the shorter part first ("face 9", "face 10")."""
    part = (row.part or "").encode("utf-8", "surrogatepass")
    return row.input.encode("utf-8", "surrogatepass") + b"\0" + len(part).to_bytes(4) + part


def _encoded(row: Row) -> bytes:
    told = {"input": row.input, "part": row.part, "status": row.status, "outputs": row.outputs, "reason": row.reason}
    text = json.dumps(json_value({**told, **row.about}), ensure_ascii=False, allow_nan=False, default=str)
    return text.encode("utf-8", "backslashreplace")  # a file's name need not be valid Unicode


def _decoded(line: bytes) -> Row:
    told = json.loads(line)
    own = {name: told.pop(name) for name in ("input", "part", "status", "outputs", "reason")}
    return Row(**{**own, "outputs": tuple(own["outputs"])}, about=told)
