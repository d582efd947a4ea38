"""Landmarks by dlib: the 68 points that FFHQ was aligned with. The only importer of dlib."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.faces import NUM_LANDMARKS, Landmarks, Similarity
from facesynth.core.images import Photo
from facesynth.inference.landmarks.detection import DETECTOR_WEIGHTS, Detection, at_working_size
from facesynth.weights import locate

# The fast detector finds faces from 80 pixels on and takes 50 ms a megapixel.
SHORTEST, LONGEST = 640, 1600
# In 350 photos of faces it scored 94 in 100 above SURE, and all but three above WEAKEST. Below SURE, the CNN told every
# face (0.83 and more) from every false alarm (nothing found) when it was shown that part of the photo alone.
SURE, WEAKEST = 0.5, -0.3
CONFIRMED = 0.5
CONFIRM_SIDE = 160
# The CNN takes 4 s a megapixel, finds faces from about 40 pixels on, and fails on images thinner than its filters.
CNN_PIXELS = 400_000
CNN_THINNEST = 40
# The landmarks were trained on the fast detector's boxes. The CNN's are smaller, and lie up and left of them.
CNN_SCALE, CNN_SHIFT = 1.08, (0.05, 0.08)
LANDMARK_SIDE = 256


@dataclass(frozen=True, slots=True)
class _Box:
    """A square around a face: centre and side in pixels, and the score of who found it."""

    x: float
    y: float
    side: float
    score: float

    @classmethod
    def of(cls, rectangle: Any, score: float) -> _Box:
        centre = rectangle.dcenter()
        return cls(centre.x, centre.y, rectangle.width(), score)

    def moved(self, by: Similarity) -> _Box:
        x, y = by.apply(np.array([[self.x, self.y]]))[0]
        return _Box(float(x), float(y), self.side * by.scale, self.score)

    def overlaps(self, other: _Box) -> bool:
        """Whether they mean the same face: they share half of the smaller one."""
        reach = (self.side + other.side) / 2
        smaller = min(self.side, other.side)
        width = min(reach - abs(self.x - other.x), smaller)
        height = min(reach - abs(self.y - other.y), smaller)
        return width > 0 and height > 0 and width * height > smaller * smaller / 2

    def cut(self, pixels: NDArray[np.uint8], margin: float, side: int) -> tuple[NDArray[np.uint8], Similarity]:
        """The box and `margin` times its side around it, so large that the box gets `side` pixels, black where there is
        no photo; and the map from the cut's pixels to the given ones."""
        half = round(self.side * (0.5 + margin))
        left, top = round(self.x + 0.5) - half, round(self.y + 0.5) - half
        length = round(side * (1 + 2 * margin))
        cut = Image.fromarray(pixels).crop((left, top, left + 2 * half, top + 2 * half))
        resized = cut.resize((length, length), Image.Resampling.LANCZOS)
        scale = 2 * half / length
        middle = (scale - 1) / 2
        return np.asarray(resized), Similarity.of(scale, shift=(left + middle, top + middle))


class DlibLandmarks:
    """Finds faces by dlib's HOG detector, and by its CNN where that finds none; then the 68 points of each."""

    def __init__(self, landmarks: Path, cnn: Path) -> None:
        self._predictor = dlib.shape_predictor(str(landmarks))
        self._cnn_file = str(cnn)
        self._own = threading.local()

    @classmethod
    def load(cls) -> DlibLandmarks:
        """Load the models of the package face-recognition-models, verified. Raises WeightsMissing or WeightsDamaged."""
        landmarks, cnn = (locate(name) for name in DETECTOR_WEIGHTS["dlib"])
        return cls(landmarks, cnn)

    def detect(self, photo: Photo) -> list[Detection]:
        """Return the faces; a score of 0.5 and more is sure, and at most about 4."""
        copy, to_photo = at_working_size(photo, SHORTEST, LONGEST)
        boxes = self._by_hog(copy) or self._by_cnn(copy)
        return [Detection(self._landmarks(photo, box.moved(to_photo)), box.score) for box in boxes]

    # Detectors keep state while they work, so each thread has its own. The predictor does not.

    @property
    def _hog(self) -> Any:
        if not hasattr(self._own, "hog"):
            self._own.hog = dlib.get_frontal_face_detector()
        return self._own.hog

    @property
    def _cnn(self) -> Any:
        if not hasattr(self._own, "cnn"):
            self._own.cnn = dlib.cnn_face_detection_model_v1(self._cnn_file)
        return self._own.cnn

    def _by_hog(self, photo: Photo) -> list[_Box]:
        rectangles, scores, _ = self._hog.run(photo.pixels, 0, WEAKEST)
        kept: list[_Box] = []
        for box in sorted(map(_Box.of, rectangles, scores), key=lambda box: -box.score):
            if not any(box.overlaps(other) for other in kept) and (box.score >= SURE or self._confirms(photo, box)):
                kept.append(box)
        return kept

    def _confirms(self, photo: Photo, box: _Box) -> bool:
        """Whether the CNN too sees a face there."""
        cut, to_photo = box.cut(photo.pixels, 0.5, CONFIRM_SIDE // 2)
        return any(found.moved(to_photo).overlaps(box) for found in self._ask_cnn(cut))

    def _by_cnn(self, photo: Photo) -> list[_Box]:
        factor = min((CNN_PIXELS / (photo.width * photo.height)) ** 0.5, 1)
        copy, to_photo = at_working_size(photo, 1, max(round(max(photo.size) * factor), 1))
        if min(copy.size) < CNN_THINNEST:
            return []
        return [found.moved(to_photo) for found in self._ask_cnn(copy.pixels)]

    def _ask_cnn(self, pixels: NDArray[np.uint8]) -> list[_Box]:
        """The CNN's faces, each in the box that the fast detector would have drawn."""
        found = (_Box.of(each.rect, each.confidence) for each in self._cnn(pixels, 0) if each.confidence >= CONFIRMED)
        right, down = CNN_SHIFT
        return [
            _Box(box.x + right * box.side, box.y + down * box.side, box.side * CNN_SCALE, box.score) for box in found
        ]

    def _landmarks(self, photo: Photo, box: _Box) -> Landmarks:
        # On a cut of one size: dlib answers in whole pixels, and would be coarse in small photos, noisy in large ones.
        cut, to_photo = box.cut(photo.pixels, 0.5, LANDMARK_SIDE)
        start = (cut.shape[1] - LANDMARK_SIDE) // 2
        around = dlib.rectangle(start, start, start + LANDMARK_SIDE - 1, start + LANDMARK_SIDE - 1)
        shape = self._predictor(cut, around)
        points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(NUM_LANDMARKS)], dtype=np.float64)
        return Landmarks(to_photo.apply(points))
