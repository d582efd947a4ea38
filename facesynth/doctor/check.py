"""What is told of one thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "absent", "warning", "problem"]
"""`absent` is optional and no fault; only a `problem` keeps facesynth from its main job."""

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do where the state is not ok."""

    name: str
    state: State
    found: str
    advice: str | None = None


def spelled(size: float) -> str:
    """Bytes in words, such as `1.5 GiB` or `12 MiB`."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / (1 << 20):.0f} MiB"
