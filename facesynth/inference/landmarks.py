"""Where the faces of a photo are: what a landmark detector answers, which there are, and which one `auto` means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from facesynth.core.errors import UsageError, WeightsError, WeightsMissing
from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.weights import locate, sha256_of

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


def choose_detector(choice: str = "auto") -> str:
    """Turn `auto|face-alignment|dlib` into a detector's name. Loads nothing, fetches nothing.

    Raises UsageError for another word.
    """
    if choice in DETECTOR_WEIGHTS:
        return choice
    if choice != "auto":
        names = ", ".join(DETECTOR_WEIGHTS)
        raise UsageError(f"unknown landmark detector {choice!r}", hint=f"use one of: auto, {names}")
    return "face-alignment" if _on_disk("face-alignment") else "dlib"


def _on_disk(detector: str) -> bool:
    try:
        for name in DETECTOR_WEIGHTS[detector]:
            locate(name)
    except WeightsError:
        return False
    return True


def detector_weights(detector: str) -> Mapping[str, Digest]:
    """The sha256 of each of a detector's weights, by name. Raises WeightsMissing, which names what to run."""
    names = DETECTOR_WEIGHTS[detector]
    try:
        return {name: sha256_of(name) for name in names}
    except WeightsMissing as error:
        if detector != "face-alignment":
            raise
        raise WeightsMissing(
            f"face-alignment needs weights that are not on this disk ({', '.join(names)})",
            hint=f"run: {' && '.join(f'facesynth weights fetch {name}' for name in names)}, or use --landmarks dlib",
        ) from error


def load_detector(choice: str = "auto", device: str = "auto") -> LandmarkDetector:
    """Load a detector. Raises UsageError, WeightsMissing or WeightsDamaged, and DeviceError where it takes a device."""
    detector = choose_detector(choice)
    detector_weights(detector)
    if detector == "dlib":  # on the CPU whatever the device: its packages are built without CUDA
        from facesynth.inference.landmarks_dlib import DlibLandmarks

        return DlibLandmarks.load()
    from facesynth.inference.landmarks_face_alignment import FaceAlignmentLandmarks

    return FaceAlignmentLandmarks.load(device)


def at_working_size(photo: Photo, shortest: int, longest: int) -> tuple[Photo, Similarity]:
    """Return the photo with its longer side brought between two lengths, and the map from its pixels to the photo's."""
    side = max(photo.size)
    factor = min(max(side, shortest), longest) / side
    # A very long strip keeps a pixel of width, and then its own proportions do not matter.
    resized = photo.resized(max(round(photo.width * factor), 1), max(round(photo.height * factor), 1))
    middle = (1 / factor - 1) / 2
    return resized, Similarity.of(1 / factor, shift=(middle, middle))
