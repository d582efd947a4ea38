"""What is checked of every run before anything is begun."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Protocol

from facesynth.core.errors import UsageError


class Run(Protocol):
    """What runs of every kind have in common."""

    @property
    def name(self) -> str: ...
    @property
    def images(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def accumulate(self) -> int: ...
    @property
    def best(self) -> str | None: ...
    @property
    def shared_out(self) -> Mapping[str, int]:
        """The samples of a batch that are shared out to devices and parts, by what they are called."""


def require_shares(run: Run, devices: int) -> None:
    """Raise UsageError where a run's batch cannot be shared out to so many devices, in its parts, in equal shares."""
    try:
        check_shares(run, devices)
    except ValueError as error:
        hint = "choose another number of devices, or --set batch_size=N"
        raise UsageError(str(error), where=f"--devices {devices}", hint=hint) from None


def check_shares(run: Run, devices: int) -> None:
    """Raise ValueError as `require_shares` raises UsageError."""
    shares = devices * run.accumulate
    for name, count in run.shared_out.items():
        if count % shares:
            what = f"{devices} devices times accumulate {run.accumulate}" if devices > 1 else f"accumulate {shares}"
            raise ValueError(f"{name}: {count} is no multiple of {what}")


def check_run(run: Run) -> None:
    if re.fullmatch(r"\w[\w.-]*", run.name) is None:
        raise ValueError(f"name is {run.name!r}: it names a folder, so use letters, digits, '-', '_' and '.'")
    require_numbers(run, "images", "batch_size", "ema_half_life", "accumulate", low=1)
    if run.batch_size > run.images:
        raise ValueError(f"batch_size is {run.batch_size}, it must be at most images, {run.images}")
    check_shares(run, 1)
    if run.best not in (None, "auto") and not str(run.best).startswith("validation/"):
        raise ValueError(f"best is {run.best!r}: name a score of a validation, as in stats.jsonl, or auto, or null")
    require_numbers(run, "seed", "warmup_images")


def require_numbers(record: object, *names: str, low: float = 0, high: float = math.inf) -> None:
    """Raise ValueError for the first of these keys whose number is not finite, or not in low..high."""
    for name in names:
        value = getattr(record, name)
        if not (math.isfinite(value) and low <= value <= high):  # false for nan too
            finite = "" if math.isfinite(value) else "finite and "
            bounds = f"at least {low}" if high == math.inf else f"between {low} and {high}"
            raise ValueError(f"{name} is {value}, it must be {finite}{bounds}")
