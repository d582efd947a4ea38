"""Sizes and ages on the command line: `50G`, `30d`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import rich_click as click

_BYTES: Mapping[str, float] = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_SECONDS: Mapping[str, float] = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_size(text: str) -> int:
    """Bytes: a number with K, M, G or T (powers of 1000), or none. Raises click.BadParameter for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)b?", text.lower())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a size; write it like 500M or 50G")
    return int(float(match[1]) * _BYTES[match[2]])


def parse_age(text: str) -> float:
    """Seconds: a number with s, m (minutes), h, d or w. Raises click.BadParameter for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.lower())
    if match is None:
        raise click.BadParameter(f"{text!r} is not an age; write it like 12h or 30d")
    return float(match[1]) * _SECONDS[match[2]]


def spelled_size(size: float) -> str:
    """A number of bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def spelled_time(seconds: float) -> str:
    """A length of time for people: `42 s`, `7 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
