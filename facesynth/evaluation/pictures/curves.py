"""Training curves: what a run has noted of itself, one curve a measure, over the images that it was shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATS = "stats.jsonl"
"""The file of a training run's folder that has a line of numbers a moment."""

SECONDS = "seconds"
"""The measure that tells how long a run had trained."""

LARGEST = 1e100
"""No number of a curve is beyond it: far more than float32 can hold, and differences of such still have a chart."""

_COUNT = "nimg"
_PASSED_BY = ("images_per_second",)
_BUCKETS = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure of one run: `values[i]` after `images[i]` images, which grow; as many of one as of the other.

    None of these numbers is beyond LARGEST.
    """

    measure: str
    images: tuple[float, ...]
    values: tuple[float, ...]


def training_curves(run: str | Path | None) -> tuple[Curve, ...]:
    """The curves that a run's folder holds, in the order in which their measures turn up; none where it is not there.

    A line that a kill has cut off is passed by, as are numbers that are not finite or beyond LARGEST. Long curves are
    thinned, in which their peaks stay.
    """
    if run is None:
        return ()
    file = Path(run) / STATS
    if not file.is_file():  # opening a pipe would wait for ever
        return ()
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return ()
    return curves_of(_rows(lines))


def curves_of(rows: Iterable[Mapping[str, float]]) -> tuple[Curve, ...]:
    """The curves of rows of numbers by name; each row has its count of images as `nimg`, which never falls."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for measure, value in row.items():
            if measure != _COUNT and measure not in _PASSED_BY:
                points = found.setdefault(measure, [])
                if not points or points[-1][0] < row[_COUNT]:
                    points.append((row[_COUNT], value))
    return tuple(_curve(measure, list(_thinned(points))) for measure, points in found.items())


def _curve(measure: str, points: list[tuple[float, float]]) -> Curve:
    return Curve(measure, tuple(images for images, _ in points), tuple(value for _, value in points))


def _rows(lines: Iterable[str]) -> Iterator[dict[str, float]]:
    for line in lines:
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and _is_number(row.get(_COUNT)):
            yield {name: float(value) for name, value in row.items() if _is_number(value)}


def is_drawable(value: float) -> bool:
    """Whether a number may stand in a curve: finite, and not beyond LARGEST."""
    return abs(value) <= LARGEST  # which NaN is not, and whole numbers of any length can be asked


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_drawable(value)


def _thinned(points: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The lowest and the highest point of each of so many parts of a long curve, and its ends."""
    if len(points) <= 2 * _BUCKETS:
        yield from points
        return
    yield points[0]
    inner = points[1:-1]
    for part in range(_BUCKETS):
        bucket = inner[part * len(inner) // _BUCKETS : (part + 1) * len(inner) // _BUCKETS]
        yield from sorted({min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])})
    yield points[-1]
