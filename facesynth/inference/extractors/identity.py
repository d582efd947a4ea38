"""A face to whose it is, by dlib's face descriptor; beside by_dlib the only importer of dlib."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
from numpy.typing import NDArray

from facesynth import weights
from facesynth.core.errors import WeightsDamaged, WeightsError
from facesynth.core.faces import Landmarks
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, sha256_file
from facesynth.inference.extractors.choice import DESCRIPTOR
from facesynth.inference.landmarks.by_dlib import DlibLandmarks
from facesynth.inference.landmarks.detection import LandmarkDetector, at_working_size

# dlib takes landmarks in whole pixels: in a small picture they are too coarse for its 150-pixel cut of the face.
SHORTEST, LONGEST = 512, 1600


class FaceDescriptor:
    """128 numbers of a face (King 2017, dlib_face_recognition_resnet_model_v1), to compare by Euclidean distance.

    dlib takes two photos for one person's below 0.6, which of CelebA's pairs held for 82 % of 120 of one person and for
    none of 120 of two people. Of several faces the largest is meant.
    """

    def __init__(self, model: Path, detector: LandmarkDetector) -> None:
        self._model = dlib.face_recognition_model_v1(str(model))
        self._detector = detector

    @classmethod
    def load(cls, *, sha256: Digest | None = None) -> FaceDescriptor:
        """Load the models of the package face-recognition-models, verified.

        Raises WeightsMissing, WeightsDamaged, and WeightsError where the descriptor's file is not of `sha256`.
        """
        path = weights.locate(DESCRIPTOR)
        if sha256 is not None and sha256_file(path) != sha256:
            raise WeightsError("the file changed while it was being read", where=path, hint="run again")
        try:
            return cls(path, DlibLandmarks.load())
        except RuntimeError as error:
            raise WeightsDamaged(f"dlib cannot read it ({error})", where=path, hint="install it again") from error

    def __call__(self, picture: Photo) -> NDArray[np.float64] | None:
        """Return the 128 numbers of the picture's largest face; None where none is found."""
        copy, _ = at_working_size(picture, SHORTEST, LONGEST)
        faces = [found.landmarks for found in self._detector.detect(copy)]
        if not faces:
            return None
        shape = _shape(max(faces, key=lambda face: float(np.ptp(face.points, axis=0).prod())))
        return np.array(self._model.compute_face_descriptor(copy.pixels, shape), dtype=np.float64)


def _shape(landmarks: Landmarks) -> dlib.full_object_detection:
    points = [dlib.point(*(round(float(each)) for each in point)) for point in landmarks.points]
    left, top = landmarks.points.min(0)
    right, bottom = landmarks.points.max(0)
    box = dlib.rectangle(*(round(float(side)) for side in (left, top, right, bottom)))
    return dlib.full_object_detection(box, points)
