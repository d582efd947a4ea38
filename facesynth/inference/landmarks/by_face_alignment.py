"""Landmarks by face-alignment (Bulat and Tzimiropoulos 2017, "How far are we from solving …"). Its only importer."""

from __future__ import annotations

import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import face_alignment
import numpy as np
import torch

from facesynth.core.errors import WeightsError
from facesynth.core.faces import Landmarks
from facesynth.core.images import Photo
from facesynth.inference.device import resolve_device
from facesynth.inference.landmarks.detection import Detection, at_working_size

LONGEST = 1280  # its detector's memory and time grow with the photo

_hub_lock = threading.Lock()


@contextmanager
def _hub_of(file: Path) -> Iterator[None]:
    """Let torch.hub find this file as its cache, and fetch nothing: the library loads by URL and checks no hash."""
    with _hub_lock, tempfile.TemporaryDirectory(prefix="facesynth-hub-") as folder:
        checkpoints = Path(folder, "checkpoints")
        checkpoints.mkdir()
        link = checkpoints / file.name
        try:
            link.symlink_to(file.resolve())
        except OSError:  # Windows, for most users
            shutil.copyfile(file, link)
        usual, fetching = torch.hub.get_dir(), torch.hub.urlopen  # type: ignore[attr-defined]
        torch.hub.set_dir(folder)
        torch.hub.urlopen = _refuse  # type: ignore[attr-defined, assignment]
        try:
            yield
        finally:
            torch.hub.set_dir(usual)
            torch.hub.urlopen = fetching  # type: ignore[attr-defined]


def _refuse(request: Any, *_: object, **__: object) -> NoReturn:
    what = f"this face-alignment asks for another file ({getattr(request, 'full_url', request)})"
    raise WeightsError(what, hint="install the version that facesynth names, or use --landmarks dlib")


class FaceAlignmentLandmarks:
    """Finds faces by S3FD and their 68 points by 2DFAN-4."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @classmethod
    def load(cls, landmarks: Path, detector: Path, *, device: str = "auto") -> FaceAlignmentLandmarks:
        """Load 2DFAN-4 and S3FD from files, and nothing from anywhere else. Raises WeightsError or DeviceError."""
        place = str(resolve_device(device))
        with _hub_of(landmarks):
            network = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.TWO_D,
                device=place,
                face_detector="sfd",
                # By its path it is read with weights_only; by its URL it would be unpickled.
                face_detector_kwargs={"path_to_detector": str(detector)},
                compile=False,  # it would compile for a minute, in the constructor
            )
        return cls(network)

    def detect(self, photo: Photo) -> list[Detection]:
        """Return the faces; a score is S3FD's probability, 0.5 to 1."""
        copy, to_photo = at_working_size(photo, 1, LONGEST)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "No faces were detected."
            found, _, boxes = self._network.get_landmarks_from_image(copy.pixels.copy(), return_bboxes=True)
        return [
            Detection(Landmarks(to_photo.apply(np.asarray(points, dtype=np.float64))), float(box[4]))
            for points, box in zip(found or (), boxes or (), strict=True)
        ]
