"""Cutting a frame out of a photo, by the steps published for FFHQ: shrink, crop, pad, warp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.errors import InputError
from facesynth.core.faces import Similarity
from facesynth.core.images import Photo
from facesynth.inference.frames import Frame

SUPERSAMPLING = 4
"""Samples a pixel and axis. The published procedure warps to 4096 whatever the size and shrinks to 1024, FFHQ's own:
four. Its shrink step leaves at most three pixels of the photo to one of the face, so four samples catch each of them:
even for white noise the result differs from warping to 4096 by less than half a grey level on average, at most four."""

SHARPEST = 5.0
"""The least deviation, in pixels, to which a picture is reduced for a blur."""


def warp(photo: Photo, frame: Frame, size: int) -> tuple[Photo, Similarity]:
    """Return the frame as a size×size crop, and the map from the crop's pixels to the photo's.

    What lies outside of the photo is its mirror image, blurred and faded to the median colour. Raises InputError for a
    frame that does not touch the photo.
    """
    image, placed, to_source = _shrunk_and_cropped(photo, frame, size)
    image, placed, to_source = _padded(image, placed, to_source)
    samples = SUPERSAMPLING * size
    quad = tuple((placed.corners + 0.5).ravel())  # Pillow's pixels are squares whose corners are whole numbers
    warped = image.transform((samples, samples), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR)
    crop = warped.resize((size, size), Image.Resampling.LANCZOS)
    return Photo(np.asarray(crop)), to_source.compose(placed.to_source(size))


_Step = tuple[Image.Image, Frame, Similarity]
"""The image so far, the frame in it, and the map from its pixels to the photo's."""


def _border(frame: Frame) -> int:
    """How much of the surroundings is kept for the blur: a tenth of the frame."""
    return max(round(frame.side * 0.1), 3)


def _bounds(frame: Frame) -> tuple[int, int, int, int]:
    left, top = np.floor(frame.corners.min(axis=0))
    right, bottom = np.ceil(frame.corners.max(axis=0))
    return int(left), int(top), int(right), int(bottom)


def _shrunk_and_cropped(photo: Photo, frame: Frame, size: int) -> _Step:
    """Shrink by a whole number to at least twice the wanted size, and keep the frame with its border."""
    shrink = max(int(frame.side / size / 2), 1)
    width, height = max(round(photo.width / shrink), 1), max(round(photo.height / shrink), 1)
    placed = frame.scaled(1 / shrink)
    border = _border(placed)
    left, top, right, bottom = _bounds(placed)
    left, top = max(left - border, 0), max(top - border, 0)
    right, bottom = min(right + border, width), min(bottom + border, height)
    if left >= right or top >= bottom:
        raise InputError("the face lies outside of the photo")
    x, y = photo.width / width, photo.height / height
    # The pixels are those of shrinking the whole photo and cropping then; the rest is not computed.
    box = (left * x, top * y, min(right * x, photo.width), min(bottom * y, photo.height))
    image = Image.fromarray(photo.pixels).resize((right - left, bottom - top), Image.Resampling.LANCZOS, box=box)
    # The procedure scales the frame as if pixels were points, and as if photos were whole multiples of `shrink` wide:
    # wrong by half a pixel of the crop at most. The map to the photo is exact at the face's centre.
    placed, moved = placed.shifted(-left, -top), np.array([left, top])
    centre = (placed.centre + moved + 0.5) * (x, y) - 0.5
    shift = centre - shrink * placed.centre
    return image, placed, Similarity.of(shrink, shift=(shift[0], shift[1]))


def _padded(image: Image.Image, frame: Frame, to_source: Similarity) -> _Step:
    """Where the frame reaches over the photo's edge, go on with the mirror image, blurred and faded to the median."""
    border = _border(frame)
    left, top, right, bottom = _bounds(frame)
    missing = (-left + border, -top + border, right - image.width + border, bottom - image.height + border)
    if max(missing) <= border - 4:
        return image, frame, to_source
    depth = round(frame.side * 0.3)
    left, top, right, bottom = (max(side, depth) for side in missing)
    sharp = np.pad(np.asarray(image), ((top, bottom), (left, right), (0, 0)), "reflect")
    distance = _distance_from_edge(sharp.shape[:2], (left, top, right, bottom))
    blurring, fading = np.clip(distance * 3 + 1, 0, 1), np.clip(distance, 0, 1)
    for channel in range(sharp.shape[2]):  # a large photo takes a third of the memory so
        pixels = sharp[..., channel].astype(np.float32)
        pixels += (_blurred(pixels, frame.side * 0.02) - pixels) * blurring
        pixels += (np.median(pixels) - pixels) * fading
        sharp[..., channel] = np.clip(np.rint(pixels), 0, 255)
    padded = Image.fromarray(sharp)
    return padded, frame.shifted(left, top), to_source.compose(Similarity.of(shift=(-left, -top)))


def _blurred(pixels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur H×W by a Gaussian; a wide one at a reduced size, which differs by less than a grey level."""
    shrink = int(sigma / SHARPEST)
    if shrink < 2:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    height, width = pixels.shape
    # Means of squares and straight lines between them blur too: their variances are taken out of the Gaussian's.
    left = (sigma**2 - (shrink**2 - 1) / 12 - shrink**2 / 6) ** 0.5 / shrink
    size = (max(round(width / shrink), 1), max(round(height / shrink), 1))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), left, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _distance_from_edge(shape: tuple[int, int], depths: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """H×W: 1 at the edge of the padded image, 0 at the edge of the photo inside it, falling further within."""
    left, top, right, bottom = depths
    y, x = np.ogrid[: shape[0], : shape[1]]
    across = np.minimum(x / left, (shape[1] - 1 - x) / right)
    along = np.minimum(y / top, (shape[0] - 1 - y) / bottom)
    distance: NDArray[np.float32] = np.float32(1) - np.minimum(across, along).astype(np.float32)
    return distance
