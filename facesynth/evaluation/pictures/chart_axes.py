"""The axes of charts as inline SVG: from numbers to pixels, round numbers along them, counts in few letters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 340, 200
"""A chart in the units of its drawing."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 26
SPAN_OF_LOGARITHMS = 100.0
"""A measure whose largest value is so many times its smallest is drawn by its logarithm."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where numbers between `low` and `high` lie between two pixels; by their logarithms where that is said."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a number."""
        low, high, here = (math.log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (here - low) / (high - low) * (self.end - self.start)


def scale_across(numbers: Sequence[float]) -> Scale:
    """From 0, or what lies below it, to the largest of these numbers, at least 1."""
    return Scale(min(0.0, *numbers), max(1.0, *numbers), _LEFT, WIDTH - _RIGHT)


def scale_up(values: Sequence[float]) -> Scale:
    """All of these values, by their logarithms where they lie far apart, with a little more room than they take."""
    logarithmic = min(values) > 0 and max(values) / min(values) >= SPAN_OF_LOGARITHMS
    low, high = _widened(min(values), max(values), logarithmic)
    return Scale(low, high, HEIGHT - _BOTTOM, _TOP, logarithmic)


def grid(across: Scale, up: Scale) -> Iterator[str]:
    """Lines and labels of both axes."""
    ticks = _powers(up.low, up.high) if up.logarithmic else _ticks(up.low, up.high)
    for value, label in zip(ticks, _labels(ticks, up.logarithmic), strict=True):
        y = up.at(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for value in _ticks(across.low, across.high, 4):
        # The last one would reach over the edge.
        anchor = "end" if across.at(value) > WIDTH - _RIGHT - 14 else "middle"
        yield f'<text x="{across.at(value):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{count_told(value)}</text>'


def _widened(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """A little more room than the values take, so that the line touches neither edge; never none."""
    if logarithmic:
        return low / 1.15, high * 1.15
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return (0.0 if 0 <= low <= margin else low - margin), high + margin


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from low to high, about as many as are wanted."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def _labels(ticks: Sequence[float], logarithmic: bool) -> list[str]:
    """Ticks in words, all of them with as many decimals as their step asks for."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    if logarithmic or not 1e-5 <= step < 1e5:
        return [f"{value:.4g}" for value in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in ticks]


def count_told(images: float) -> str:
    """A count of images in few letters: `800`, `25k`, `1.5M`."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if images >= size:
            return f"{images / size:.4g}{letter}"
    return f"{images:.4g}"
