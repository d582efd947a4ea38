"""A face is an aligned square crop of a photo that knows its way back.

All points are in pixel-index coordinates: (x, y), the centre of the top left pixel is (0, 0), the outer corner of the
image is (-0.5, -0.5). Landmarks lie in the frame of the photo that they were found in, not in that of the crop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from facesynth.core.errors import InputError, UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap

NUM_LANDMARKS = 68
FEATHER = 0.1
"""The share of a crop's side over which an edited face fades into the photo."""

_OWN = (Label.BACKGROUND, Label.CLOTH)
"""What a photo keeps of itself under an edited face: a painted collar ends at the crop's edge, in the middle of the
photo's own, and has light and dark spots where it meets the neck."""

Points = NDArray[np.float64]


def _read_only(values: Any, shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64, order="C")
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(f"{name} must be {shape[0]}×{shape[1]} finite numbers, these have shape {array.shape}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """A rotation, uniform scale and shift that maps points of one frame to another: `matrix` is 2×3 float64, read-only.

    Raises InputError for a matrix that shears, mirrors or collapses the plane.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = _read_only(self.matrix, (2, 3), "a similarity's matrix")
        (a, b, _), (c, d, _) = matrix
        size = math.hypot(a, c)
        if size == 0 or max(abs(a - d), abs(b + c)) > 1e-6 * size:
            raise InputError(f"not a similarity: [[{a:g}, {b:g}], [{c:g}, {d:g}]] does more than rotate and scale")
        object.__setattr__(self, "matrix", matrix)

    def __reduce__(self) -> tuple[object, ...]:
        return Similarity, (self.matrix,)  # numpy forgets read-only when it pickles

    @classmethod
    def of(cls, scale: float = 1.0, angle: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Similarity:
        """Make the map p → scale·R(angle)·p + shift; `angle` in radians turns the x axis towards the y axis."""
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        return cls(np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]]))

    @property
    def scale(self) -> float:
        """The length that a segment of length 1 gets."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    def apply(self, points: NDArray[np.floating[Any]]) -> Points:
        """Map N×2 points."""
        mapped: Points = np.asarray(points, dtype=np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return mapped

    def inverse(self) -> Similarity:
        """Return the map that undoes this one."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return Similarity(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def compose(self, first: Similarity) -> Similarity:
        """Return the map that applies `first` and then this one."""
        linear = self.matrix[:, :2] @ first.matrix[:, :2]
        return Similarity(np.column_stack([linear, self.apply(first.matrix[:, 2][None])[0]]))


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The 68 points of a face in iBUG 300-W order: `points` is 68×2 float64 (x, y), read-only.

    0-16 jaw, 17-21 and 22-26 brows, 27-35 nose, 36-41 and 42-47 eyes, 48-67 mouth; the first of each pair lies on the
    image's left. Pixel-index coordinates of the photo they were found in; they may lie outside of it.
    """

    points: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _read_only(self.points, (NUM_LANDMARKS, 2), "landmarks"))

    def __reduce__(self) -> tuple[object, ...]:
        return Landmarks, (self.points,)

    def moved(self, by: Similarity) -> Landmarks:
        """Return the same landmarks in another frame."""
        return Landmarks(by.apply(self.points))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """An aligned square crop and, where `align` made it, where it came from.

    `landmarks` are in the source photo's pixels, `to_source` maps the crop's pixels to them, `score` is the detector's
    own confidence (comparable between faces of one detector only). A crop from a file has none of the three.
    """

    photo: Photo
    landmarks: Landmarks | None = None
    to_source: Similarity | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if self.photo.width != self.photo.height:
            raise InputError(
                f"an aligned face is square, this image is {self.photo.width}×{self.photo.height}",
                hint="align it first (leave out --aligned)",
            )

    @classmethod
    def from_aligned(cls, photo: Photo) -> Face:
        """Take a square image as a face of unknown origin; InputError if it is not square."""
        return cls(photo)

    @property
    def size(self) -> int:
        """The side of the crop in pixels."""
        return self.photo.width

    def paste_back(
        self, onto: Photo, edited: Photo, *, feather: float = FEATHER, labels: LabelMap | None = None
    ) -> Photo:
        """Blend an edited version of this face into its photo.

        `edited` is square and of any size; `onto` is the source photo (or an edit of it, of the same size). The blend
        grows smoothly from nothing at the crop's edge to all over `feather` (0 to 0.5) of its side. With the face's
        `labels` (square, of any size) the photo keeps its own background and clothes, softly cut out. Pixels outside
        the crop are returned bit for bit. Raises UsageError for a face that has no way back.
        """
        if not 0 <= feather <= 0.5:
            raise UsageError(f"feather is a share of the face's side, 0 to 0.5, not {feather}")
        Face.from_aligned(edited)
        to_face = self._unit_square().inverse()
        window = self._window(onto.height, onto.width)
        if window is None:
            return onto
        left, top, right, bottom = window
        side = max(1, round(1 / to_face.scale))
        image = Image.fromarray(edited.pixels)
        if side < edited.width:  # the affine transform below interpolates, it does not average
            image = image.resize((side, side), Image.Resampling.LANCZOS)
        # Pillow maps continuous coordinates, in which a pixel's centre lies half a pixel in.
        linear = to_face.matrix[:, :2] * image.width
        offset = linear @ (left - 0.5, top - 0.5) + to_face.matrix[:, 2] * image.width
        coefficients = (*linear[0], offset[0], *linear[1], offset[1])
        size = (right - left, bottom - top)
        warped = image.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
        u, v = _coordinates(to_face, window)
        depth = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
        ramp = np.clip(depth / feather, 0, 1) if feather else (depth > 0).astype(np.float64)
        alpha = (ramp * ramp * (3 - 2 * ramp))[..., None]
        if labels is not None:
            cut = _edited_part(labels, image.width)
            cut = cut.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
            alpha = alpha * (np.asarray(cut, dtype=np.float64) / 255)[..., None]
        pixels = onto.pixels.copy()
        below = pixels[top:bottom, left:right].astype(np.float64)
        blended = np.rint(below + alpha * (np.asarray(warped, dtype=np.float64) - below))
        pixels[top:bottom, left:right] = np.clip(blended, 0, 255).astype(np.uint8)
        return Photo(pixels)

    def labels_on_photo(self, labels: LabelMap, height: int, width: int) -> LabelMap:
        """Return this face's label map (square, of any size) in the frame of its height×width photo.

        Each pixel takes the label under its centre (nearest); outside the crop it is background. Raises UsageError for
        a face that has no way back.
        """
        to_face = self._unit_square().inverse()
        ids = np.full((height, width), Label.BACKGROUND, dtype=np.uint8)
        window = self._window(height, width)
        if window is not None:
            left, top, right, bottom = window
            u, v = _coordinates(to_face, window)
            inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
            rows = (v[inside] * labels.height).astype(np.intp)
            columns = (u[inside] * labels.width).astype(np.intp)
            ids[top:bottom, left:right][inside] = labels.ids[rows, columns]
        return LabelMap(ids)

    def _unit_square(self) -> Similarity:
        """The map from the crop as the square 0..1 × 0..1 to the source photo's pixels."""
        if self.to_source is None:
            raise UsageError(
                "this face does not know where in a photo it came from",
                hint="give the photo itself instead of an aligned face",
            )
        return self.to_source.compose(Similarity.of(self.size, shift=(-0.5, -0.5)))

    def _window(self, height: int, width: int) -> tuple[int, int, int, int] | None:
        """The part of a height×width photo around the crop (left, top, right, bottom), None where they do not meet."""
        corners = self._unit_square().apply(np.array([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=np.float64))
        left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners.max(axis=0)) + 1, (width, height)).astype(int)
        return (int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


def _edited_part(labels: LabelMap, side: int) -> Image.Image:
    """What an edited face covers of its photo, softly cut out: 0 nothing, 255 all; `side` pixels wide and high."""
    cut = Image.fromarray(np.where(np.isin(labels.ids, _OWN), 0, 255).astype(np.uint8))
    cut = cut.resize((side, side), Image.Resampling.BILINEAR)
    # Drawn in by what the blur spreads: the painted background must not come in around the hair.
    cut = cut.filter(ImageFilter.MinFilter(2 * max(1, round(side / 64)) + 1))
    return cut.filter(ImageFilter.GaussianBlur(side / 100))


def _coordinates(to_face: Similarity, window: tuple[int, int, int, int]) -> tuple[Points, Points]:
    """Where each pixel of a photo's window lies in the crop's unit square: two arrays of the window's H×W."""
    left, top, right, bottom = window
    x, y = np.arange(left, right)[None, :], np.arange(top, bottom)[:, None]
    (a, b, shift_x), (c, d, shift_y) = to_face.matrix
    return a * x + b * y + shift_x, c * x + d * y + shift_y
