"""Which landmark detectors there are, which one `auto` means, and loading them."""

from __future__ import annotations

from collections.abc import Mapping

from facesynth.core.errors import UsageError, WeightsError, WeightsMissing
from facesynth.core.refs import Digest
from facesynth.inference.landmarks.detection import DETECTOR_WEIGHTS, LandmarkDetector
from facesynth.weights import locate, sha256_of


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
    """The sha256 of each of a detector's weights, by name; they need not be on this disk."""
    return {name: sha256_of(name) for name in DETECTOR_WEIGHTS[detector]}


def load_detector(choice: str = "auto", device: str = "auto") -> LandmarkDetector:
    """Load a detector. Raises UsageError, WeightsMissing or WeightsDamaged, and DeviceError where it takes a device."""
    if choose_detector(choice) == "dlib":  # on the CPU whatever the device: its packages are built without CUDA
        from facesynth.inference.landmarks.by_dlib import DlibLandmarks

        return DlibLandmarks.load()
    names = DETECTOR_WEIGHTS["face-alignment"]
    try:
        files = [locate(name) for name in names]
    except WeightsMissing as error:
        raise WeightsMissing(
            f"face-alignment needs weights that are not on this disk ({', '.join(names)})",
            hint=f"run: {' && '.join(f'facesynth weights fetch {name}' for name in names)}, or use --landmarks dlib",
        ) from error
    from facesynth.inference.landmarks.by_face_alignment import FaceAlignmentLandmarks

    return FaceAlignmentLandmarks.load(*files, device=device)
