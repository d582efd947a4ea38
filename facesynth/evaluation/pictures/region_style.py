"""How near the style of a picture comes to that of a photo, label region by label region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, Label, LabelMap
from facesynth.evaluation.pictures.results import StyleDistance

FEWEST_PIXELS = 16
"""Pixels that a region holds at least; a smaller one has no style."""

PROTOCOL = (
    "CIELAB (D65) of sRGB; of each label region of at least "
    f"{FEWEST_PIXELS} pixels in both pictures: colour = CIE76 difference of the mean colours, contrast = difference of "
    "the mean |ΔL*| between neighbours inside the region; mean over a picture's regions"
)


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture's regions look like: mean L*, a*, b* (19×3), local contrast (19), NaN where there is none."""

    colours: NDArray[np.float64]
    contrasts: NDArray[np.float64]


def look_of(picture: Photo, labels: LabelMap) -> Look:
    """The look of each label's region; the label map is scaled to the picture by nearest.

    Local contrast is the mean |ΔL*| over pairs of horizontal and vertical neighbours that both lie in the region.
    """
    lab = cv2.cvtColor(picture.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    ids = labels.resized(picture.width, picture.height).ids
    pixels = np.bincount(ids.ravel(), minlength=NUM_LABELS)
    known = np.where(pixels >= FEWEST_PIXELS, pixels, np.nan)
    sums = [np.bincount(ids.ravel(), lab[..., channel].ravel(), NUM_LABELS) for channel in range(3)]
    steps, pairs = np.zeros(NUM_LABELS), np.zeros(NUM_LABELS)
    for axis in (0, 1):
        here, next_to = np.delete(ids, -1, axis), np.delete(ids, 0, axis)
        inside = here == next_to
        steps += np.bincount(here[inside], np.abs(np.diff(lab[..., 0], axis=axis))[inside], NUM_LABELS)
        pairs += np.bincount(here[inside], minlength=NUM_LABELS)
    contrasts = steps / np.where((pairs > 0) & ~np.isnan(known), pairs, np.nan)
    return Look(np.stack(sums, axis=1) / known[:, None], contrasts)


@dataclass(frozen=True, slots=True)
class LookDistance:
    """How far two looks are apart, region by region: 19 floats each, NaN where a side does not show the region."""

    colours: NDArray[np.float64]
    contrasts: NDArray[np.float64]

    @classmethod
    def between(cls, first: Look, second: Look) -> LookDistance:
        """The distance of each region."""
        colours = np.sqrt(((first.colours - second.colours) ** 2).sum(axis=1))
        return cls(colours, np.abs(first.contrasts - second.contrasts))

    @property
    def colour(self) -> float | None:
        """The mean over regions; None where the two have none in common."""
        return _mean(self.colours)

    @property
    def contrast(self) -> float | None:
        """The mean over regions; None where the two have none in common."""
        return _mean(self.contrasts)


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


@dataclass(slots=True)
class RegionTotals:
    """Distances of many pictures, summed region by region."""

    _colours: NDArray[np.float64] = field(default_factory=lambda: np.zeros(NUM_LABELS))
    _contrasts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(NUM_LABELS))
    _counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(NUM_LABELS, dtype=np.int64))

    def add(self, found: LookDistance) -> None:
        """Add one picture's."""
        there = ~np.isnan(found.colours) & ~np.isnan(found.contrasts)
        self._counts += there
        self._colours += np.where(there, found.colours, 0)
        self._contrasts += np.where(there, found.contrasts, 0)

    def means(self) -> Mapping[Label, StyleDistance]:
        """The mean distance of each region that some picture shows."""
        return {
            label: StyleDistance(float(self._colours[label] / count), float(self._contrasts[label] / count), int(count))
            for label, count in zip(Label, self._counts, strict=True)
            if count
        }


def merged(totals: Iterable[RegionTotals]) -> RegionTotals:
    """Several totals as one."""
    found = RegionTotals()
    for each in totals:
        found._colours += each._colours
        found._contrasts += each._contrasts
        found._counts += each._counts
    return found
