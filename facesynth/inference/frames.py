"""Where a face's crop lies in its photo: the frames of FFHQ and of CelebA-HQ, as pure geometry.

Both are squares built on the eyes and the mouth (Karras et al. 2018, "Progressive growing of GANs", appendix C; Karras
et al. 2019, "A style-based generator architecture", appendix A). All points are pixel-index coordinates (x, y).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Landmarks, Points, Similarity


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A square in a photo: its `centre`, and `right`, the vector from there to the middle of its right edge.

    Raises InputError for a square that is not finite or is less than two pixels wide.
    """

    centre: Points
    right: Points

    def __post_init__(self) -> None:
        values = np.concatenate([self.centre, self.right])
        if values.shape != (4,) or not np.isfinite(values).all() or self.side < 2:
            raise InputError("the landmarks are no face: eyes and mouth fall together")

    @property
    def down(self) -> Points:
        """The vector from the centre to the middle of the bottom edge."""
        return _quarter_turn(self.right)

    @property
    def side(self) -> float:
        """The length of an edge in pixels."""
        return 2 * float(np.hypot(*self.right))

    @property
    def corners(self) -> Points:
        """4×2: top left, bottom left, bottom right, top right."""
        return self.centre + np.stack(
            [-self.right - self.down, -self.right + self.down, self.right + self.down, self.right - self.down]
        )

    def scaled(self, factor: float) -> Frame:
        """The frame with every coordinate multiplied."""
        return Frame(self.centre * factor, self.right * factor)

    def shifted(self, x: float, y: float) -> Frame:
        """The frame moved by (x, y)."""
        return Frame(self.centre + np.array([x, y]), self.right)

    def to_source(self, size: int) -> Similarity:
        """The map from the pixels of a size×size crop of this frame to those of the photo."""
        # The corners are where the published procedure lets its resampler begin and end: half a pixel outside the
        # centres of the crop's outer pixels, in both images.
        step = 2 / size
        x, y = self.right * step, self.down * step
        return Similarity(np.column_stack([x, y, self.corners[0] + (x + y) / 2]))


def _quarter_turn(vector: NDArray[np.float64]) -> Points:
    """Turn the x axis into the y axis (clockwise as seen, y points down)."""
    return np.array([-vector[1], vector[0]])


def _square_on(left_eye: Points, right_eye: Points, mouth: Points) -> Frame:
    """The square of Karras et al.: its x axis follows the eyes and the line from the mouth up to them alike."""
    eyes = (left_eye + right_eye) / 2
    across, downward = right_eye - left_eye, mouth - eyes
    direction = across - _quarter_turn(downward)
    length = np.hypot(*direction)
    if length == 0:
        raise InputError("the landmarks are no face: eyes and mouth fall together")
    reach = max(2.0 * np.hypot(*across), 1.8 * np.hypot(*downward))
    return Frame(eyes + 0.1 * downward, direction / length * reach)


def ffhq_frame(landmarks: Landmarks) -> Frame:
    """The frame of FFHQ: eyes as the means of their six points each, mouth as the middle of its corners."""
    points = landmarks.points
    return _square_on(points[36:42].mean(axis=0), points[42:48].mean(axis=0), (points[48] + points[54]) / 2)


def five_points(landmarks: Landmarks) -> Points:
    """CelebA's five points (5×2: eyes, tip of the nose, corners of the mouth, the image's left first) out of the 68."""
    points = landmarks.points
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[54]])


def celeba_hq_frame(points: Points) -> Frame:
    """The frame of CelebA-HQ from CelebA's five points (5×2), which its recipe moves by half a pixel."""
    moved = points + 0.5
    return _square_on(moved[0], moved[1], (moved[3] + moved[4]) / 2)


FRAMES: Mapping[str, Callable[[Landmarks], Frame]] = MappingProxyType(
    {"ffhq": ffhq_frame, "celeba-hq": lambda landmarks: celeba_hq_frame(five_points(landmarks))}
)
"""The frames by name, from 68 landmarks."""


def frame_named(name: str) -> Callable[[Landmarks], Frame]:
    """Return the frame of that name; UsageError lists the known ones."""
    try:
        return FRAMES[name]
    except KeyError:
        raise UsageError(f"unknown frame {name!r}", hint=f"use one of: {', '.join(FRAMES)}") from None
