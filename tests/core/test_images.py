from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from facesynth.core.errors import ImageError
from facesynth.core.images import Photo


def noise(height: int = 5, width: int = 7) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_sizes_are_named_by_side() -> None:
    photo = Photo(noise(5, 7))
    assert (photo.height, photo.width, photo.size) == (5, 7, (7, 5))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.int64),
    ],
)
def test_any_other_array_is_refused(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with pytest.raises(ImageError, match="H×W×3 uint8"):
        Photo(array)


def test_nobody_can_change_it() -> None:
    array = noise()
    window = array[:]
    window.setflags(write=False)
    photos = [Photo(array), Photo(window), Photo(array[:, ::-1])]
    before = [photo.pixels.copy() for photo in photos]
    array[:] = 0
    for photo, kept in zip(photos, before, strict=True):
        assert np.array_equal(photo.pixels, kept)
        assert photo.pixels.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            photo.pixels[0, 0] = 1


def test_a_frozen_array_is_not_copied() -> None:
    array = noise()
    array.setflags(write=False)
    assert Photo(array).pixels is array


@pytest.mark.parametrize("again", [lambda photo: pickle.loads(pickle.dumps(photo)), copy.deepcopy])  # noqa: S301
def test_it_stays_read_only_in_another_process(again) -> None:  # type: ignore[no-untyped-def]
    photo = Photo(noise())
    copied = again(photo)
    assert np.array_equal(copied.pixels, photo.pixels)
    assert not copied.pixels.flags.writeable


def test_flip_mirrors_and_twice_is_nothing() -> None:
    photo = Photo(noise())
    assert np.array_equal(photo.flip().pixels[:, 0], photo.pixels[:, -1])
    assert np.array_equal(photo.flip().flip().pixels, photo.pixels)


def test_resizing_keeps_colour_and_averages_when_it_shrinks() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = Photo(stripes).resized(16, 8)
    assert small.size == (16, 8)
    assert np.abs(small.pixels.astype(int) - 127).max() <= 16  # a plain pick of pixels would give 0 or 255
    flat = Photo(np.full((9, 9, 3), 130, np.uint8))
    assert (flat.resized(31, 17).pixels == 130).all()
    assert flat.resized(9, 9) is flat
