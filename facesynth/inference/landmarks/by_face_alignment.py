"""Landmarks by face-alignment (Bulat and Tzimiropoulos 2017, "How far are we from solving …"). Its only importer."""

from __future__ import annotations

import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import face_alignment
import numpy as np
import torch

from facesynth.core.faces import Landmarks
from facesynth.core.images import Photo
from facesynth.inference.device import resolve_device
from facesynth.inference.landmarks.detection import DETECTOR_WEIGHTS, Detection, at_working_size
from facesynth.weights import locate

LONGEST = 1280  # its detector's memory and time grow with the photo

_hub_lock = threading.Lock()


@contextmanager
def _hub_of(files: Sequence[Path]) -> Iterator[None]:
    """Let torch.hub find these files, and nothing else, as its cache: the library loads by URL and checks no hash."""
    with _hub_lock, tempfile.TemporaryDirectory(prefix="facesynth-hub-") as folder:
        checkpoints = Path(folder, "checkpoints")
        checkpoints.mkdir()
        for file in files:
            link = checkpoints / file.name
            try:
                link.symlink_to(file.resolve())
            except OSError:  # Windows, for most users
                shutil.copyfile(file, link)
        usual = torch.hub.get_dir()
        torch.hub.set_dir(folder)
        try:
            yield
        finally:
            torch.hub.set_dir(usual)


class FaceAlignmentLandmarks:
    """Finds faces by S3FD and their 68 points by 2DFAN-4."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @classmethod
    def load(cls, device: str = "auto") -> FaceAlignmentLandmarks:
        """Load both networks from verified files, never from the network. Raises WeightsError or DeviceError."""
        place = str(resolve_device(device))
        files = [locate(name) for name in DETECTOR_WEIGHTS["face-alignment"]]
        with _hub_of(files):
            network = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.TWO_D,
                device=place,
                face_detector="sfd",
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
