"""What became of every item of a run: the rows of report.json, their counts, and a table of what went wrong."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from facesynth import __version__

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


@dataclass(slots=True)
class Report:
    """What a command did: `settings` are its options, `weights` the sha256 of every weights file by stage and role."""

    command: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    """False for a run that was interrupted, or ended by an error."""

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows of each status."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in get_args(Status)}

    @property
    def problems(self) -> list[Row]:
        """The rejected and failed rows, in the order of inputs."""
        return [row for row in sorted(self.rows, key=_order) if row.reason is not None]

    @property
    def exit_code(self) -> int:
        """0 when everything is done, 3 when some items were rejected or failed."""
        return 3 if any(row.status in ("rejected", "failed") for row in self.rows) else 0

    def summary(self) -> str:
        """One line, such as `12 done, 3 cached, 1 rejected`."""
        counts = self.counts
        told = [f"{count} {status}" for status, count in counts.items() if count or status == "done"]
        return ", ".join(told)

    def table(self, limit: int = 20) -> str:
        """What was rejected or failed, a line each, at most `limit` of them; empty when nothing was."""
        problems = self.problems
        lines = [f"{row.status:<8} {row}: {row.reason}" for row in problems[:limit]]
        if len(problems) > limit:
            lines.append(f"… and {len(problems) - limit} more, all of them in the report")
        return "\n".join(lines)

    def to_json(self) -> bytes:
        """The whole report as JSON in UTF-8, rows in the order of inputs; a number that is nan or infinite is null."""
        rows = [
            {
                "input": row.input,
                "part": row.part,
                "status": row.status,
                "outputs": row.outputs,
                "reason": row.reason,
                **row.about,
            }
            for row in sorted(self.rows, key=_order)
        ]
        document = {
            "command": self.command,
            "complete": self.complete,
            "counts": self.counts,
            "settings": dict(self.settings),
            "versions": installed_versions(),
            "weights": dict(sorted(self.weights.items())),
            "items": rows,
        }
        text = json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
        return text.encode("utf-8", "backslashreplace")  # a file's name need not be valid Unicode


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


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: a report of much work is not lost for one number in it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _order(row: Row) -> tuple[str, int, str]:
    part = row.part or ""
    return row.input, len(part), part
