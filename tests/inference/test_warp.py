"""The crop, against the published procedure written out with its own numbers (4096 samples, whole-image steps)."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from facesynth.core.errors import InputError
from facesynth.core.faces import Similarity
from facesynth.core.images import Photo
from facesynth.inference import warp as warping
from facesynth.inference.frames import Frame, ffhq_frame
from facesynth.inference.warp import warp
from tests.drawn_faces import plain_landmarks, ramp_photo, textured_photo


def published(photo: Photo, frame: Frame, size: int) -> np.ndarray:
    image, quad, side = Image.fromarray(photo.pixels), frame.corners.copy(), frame.side

    shrink = math.floor(side / size * 0.5)
    if shrink > 1:
        smaller = (int(np.rint(image.width / shrink)), int(np.rint(image.height / shrink)))
        image = image.resize(smaller, Image.Resampling.LANCZOS)
        quad, side = quad / shrink, side / shrink

    border = max(int(np.rint(side * 0.1)), 3)
    low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    box = (
        max(low[0] - border, 0),
        max(low[1] - border, 0),
        min(high[0] + border, image.width),
        min(high[1] + border, image.height),
    )
    image, quad = image.crop(box), quad - box[:2]

    low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    pad = np.array(
        [
            max(-low[0] + border, 0),
            max(-low[1] + border, 0),
            max(high[0] - image.width + border, 0),
            max(high[1] - image.height + border, 0),
        ]
    )
    if pad.max() > border - 4:
        pad = np.maximum(pad, int(np.rint(side * 0.3)))
        widths = ((pad[1], pad[3]), (pad[0], pad[2]), (0, 0))
        pixels = np.pad(np.asarray(image, dtype=np.float64), widths, mode="reflect")
        h, w, _ = pixels.shape
        y, x, _ = np.ogrid[:h, :w, :1]
        mask = np.maximum(
            1 - np.minimum(x / pad[0], (w - 1 - x) / pad[2]), 1 - np.minimum(y / pad[1], (h - 1 - y) / pad[3])
        )
        sigma = side * 0.02
        pixels += (gaussian_filter(pixels, [sigma, sigma, 0]) - pixels) * np.clip(mask * 3 + 1, 0, 1)
        pixels += (np.median(pixels, axis=(0, 1)) - pixels) * np.clip(mask, 0, 1)
        image = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
        quad = quad + pad[:2]

    corners = tuple((quad + 0.5).ravel())
    large = image.transform((4096, 4096), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    return np.asarray(large.resize((size, size), Image.Resampling.LANCZOS))


CASES = {
    "inside": (Similarity.of(30, 0.2, (150, 120)), 128),
    "shrunk": (Similarity.of(60, -0.1, (151, 130)), 64),  # shrink 2, and not a multiple of the photo's size
    "over the left edge": (Similarity.of(45, 0.5, (20, 130)), 96),
    "over every edge": (Similarity.of(110, 0.1, (160, 120)), 128),
    "large, over every edge": (Similarity.of(220, 0.1, (160, 120)), 256),  # blurred at a reduced size
    "upside down in a corner": (Similarity.of(25, 3.0, (290, 220)), 128),
}


@pytest.mark.parametrize("case", CASES)
def test_the_crop_is_that_of_the_published_procedure(case: str) -> None:
    to_photo, size = CASES[case]
    photo, frame = textured_photo(311, 245), ffhq_frame(plain_landmarks(to_photo))
    crop, _ = warp(photo, frame, size)
    difference = np.abs(crop.pixels.astype(int) - published(photo, frame, size))
    assert crop.size == (size, size)
    assert difference.mean() < 0.3
    assert difference.max() <= 3


@pytest.mark.parametrize("sigma", [3.0, 9.9, 10.0, 14.3, 31.0])
def test_wide_blurs_are_gaussian_and_cheap(sigma: float, monkeypatch: pytest.MonkeyPatch) -> None:
    exact: Any = cv2.GaussianBlur
    widest: list[float] = []

    def told(pixels: NDArray[np.float32], size: tuple[int, int], wide: float, **options: int) -> Any:
        widest.append(wide)
        return exact(pixels, size, wide, **options)

    monkeypatch.setattr(cv2, "GaussianBlur", told)
    levels = textured_photo(311, 245).pixels[..., 0].astype(np.float32)
    for pixels in (levels, np.where(np.arange(311) < 100, 0, 255) + 0 * levels):
        pixels = pixels.astype(np.float32)
        assert np.abs(warping._blurred(pixels, sigma) - gaussian_filter(pixels, sigma)).max() < 1
    assert max(widest) < 2 * warping.SHARPEST, "its time is its deviation's"


@pytest.mark.parametrize(("scale", "size"), [(30, 256), (60, 128), (60, 64), (120, 64), (120, 40)])
def test_the_map_back_tells_where_each_pixel_was(scale: float, size: int) -> None:
    photo = ramp_photo(701, 603)
    frame = ffhq_frame(plain_landmarks(Similarity.of(scale, 0.3, (350, 300))))
    crop, to_source = warp(photo, frame, size)
    negative, _ = warp(Photo(255 - photo.pixels), frame, size)
    y, x = np.mgrid[:size, :size]
    source = to_source.apply(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(size, size, 2)
    # Pillow's bilinear sampling cuts fractions off, which the negative turns round.
    levels = (crop.pixels[..., :2].astype(float) + 255 - negative.pixels[..., :2]) / 2
    seen = (levels - 20) / 215 * (700, 602)
    inside = ((source > 20) & (source < np.array([700, 602]) - 20)).all(axis=2)
    error = (seen - source)[inside]
    assert inside.mean() > 0.5
    assert np.abs(error.mean(axis=0)).max() < 0.5  # half a pixel of the photo, which has three to a grey level
    assert np.abs(error).max() < 5  # one and a half grey levels


def test_the_map_back_is_within_half_a_crop_s_pixel_of_the_frame() -> None:
    for scale, size in ((30, 256), (60, 64), (200, 64), (400, 32), (137, 40)):
        frame = ffhq_frame(plain_landmarks(Similarity.of(scale, 0.3, (700, 600))))
        _, to_source = warp(ramp_photo(1401, 1203), frame, size)
        middle = np.array([[(size - 1) / 2] * 2])
        off = np.abs(to_source.apply(middle) - frame.to_source(size).apply(middle)).max()
        assert off <= 0.5 * frame.side / size


def test_a_frame_beside_the_photo_is_refused() -> None:
    with pytest.raises(InputError, match="outside"):
        warp(ramp_photo(100, 80), Frame(np.array([500.0, 40.0]), np.array([30.0, 0.0])), 64)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2)])
def test_photos_of_a_pixel_or_two_give_a_crop(shape: tuple[int, int]) -> None:
    width, height = shape
    photo = Photo(np.full((height, width, 3), 77, dtype=np.uint8))
    crop, _ = warp(photo, Frame(np.array([width / 2, height / 2]), np.array([150.0, 0.0])), 32)
    assert (crop.pixels == 77).all()
