"""What a landmark detector is: what it is given, what it answers, and which weights it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.images import Photo

DETECTOR_WEIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"face-alignment": ("2dfan4", "s3fd"), "dlib": ("dlib-landmarks-68", "dlib-mmod")}
)
"""The detectors by name, and the weights that each needs. `auto` takes the first one whose weights lie on the disk."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that was found: its landmarks in the photo's pixels, and the detector's own confidence."""

    landmarks: Landmarks
    score: float


class LandmarkDetector(Protocol):
    """Finds the faces of a photo."""

    def detect(self, photo: Photo) -> list[Detection]:
        """Return every face with its landmarks, in any order; none found is an empty list."""
        ...


def at_working_size(photo: Photo, shortest: int, longest: int) -> tuple[Photo, Similarity]:
    """Return the photo with its longer side brought between two lengths, and the map from its pixels to the photo's."""
    side = max(photo.size)
    factor = min(max(side, shortest), longest) / side
    # A very long strip keeps a pixel of width, and then its own proportions do not matter.
    resized = photo.resized(max(round(photo.width * factor), 1), max(round(photo.height * factor), 1))
    middle = (1 / factor - 1) / 2
    return resized, Similarity.of(1 / factor, shift=(middle, middle))
