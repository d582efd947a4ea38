"""From photos to aligned faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.inference.frames import Frame, frame_named
from facesynth.inference.landmarks.choice import load_detector
from facesynth.inference.landmarks.detection import Detection, LandmarkDetector
from facesynth.inference.warp import warp

FACE_CHOICES = ("all", "largest", "center")
SMALLEST, LARGEST = 16, 2048


class Aligner:
    """Finds the faces of photos and cuts each out in a frame.

    `size` is the crop's side in pixels (16 to 2048), `frame` one of `ffhq`, `celeba-hq`, `faces` one of `all` (left to
    right), `largest`, `center` (the one nearest to the middle of the photo). Raises UsageError for other values.
    """

    def __init__(self, detector: LandmarkDetector, *, size: int = 512, frame: str = "ffhq", faces: str = "all") -> None:
        check_options(size, frame, faces)
        self._detector = detector
        self._size = size
        self._frame = frame_named(frame)
        self._faces = faces

    @classmethod
    def load(
        cls, landmarks: str = "auto", *, size: int = 512, frame: str = "ffhq", faces: str = "all", device: str = "auto"
    ) -> Aligner:
        """Load with a landmark detector by name (`auto|face-alignment|dlib`). Raises as `load_detector` does."""
        check_options(size, frame, faces)
        return cls(load_detector(landmarks, device), size=size, frame=frame, faces=faces)

    def __call__(self, photos: Sequence[Photo]) -> list[list[Face]]:
        """Return the faces of each photo, size×size; a photo without any gets an empty list."""
        return [self._align(photo) for photo in photos]

    def _align(self, photo: Photo) -> list[Face]:
        faces = []
        for detection, frame in self._chosen(photo):
            crop, to_source = warp(photo, frame, self._size)
            faces.append(Face(crop, detection.landmarks, to_source, detection.score))
        return faces

    def _chosen(self, photo: Photo) -> list[tuple[Detection, Frame]]:
        found = self._framed(photo)
        if self._faces == "all" or not found:
            return sorted(found, key=lambda face: tuple(face[1].centre))
        if self._faces == "largest":
            return [max(found, key=lambda face: face[1].side)]
        middle = (np.array(photo.size) - 1) / 2
        return [min(found, key=lambda face: float(np.hypot(*(face[1].centre - middle))))]

    def _framed(self, photo: Photo) -> list[tuple[Detection, Frame]]:
        """The detections with their frames, without those that cannot be faces of this photo."""
        found = []
        for detection in self._detector.detect(photo):
            try:
                frame = self._frame(detection.landmarks)
            except InputError:  # all points in one spot
                continue
            if (frame.centre >= 0).all() and (frame.centre <= np.array(photo.size) - 1).all():
                found.append((detection, frame))
        return found


def check_options(size: int, frame: str, faces: str) -> None:
    """Raise UsageError unless an Aligner takes these."""
    frame_named(frame)
    if faces not in FACE_CHOICES:
        raise UsageError(f"unknown choice of faces {faces!r}", hint=f"use one of: {', '.join(FACE_CHOICES)}")
    if not SMALLEST <= size <= LARGEST:
        raise UsageError(f"a face can be made {SMALLEST} to {LARGEST} pixels wide, not {size}")
