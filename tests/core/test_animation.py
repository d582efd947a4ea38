"""Animations hold their frames, times and words, and are whole pictures to whoever reads one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from facesynth.core.animation import animation_text, encode_animation
from facesynth.core.errors import ImageError, OutputError
from facesynth.core.image_files import SYNTHETIC_TEXT, decode_photo
from facesynth.core.images import Photo


def flat(level: int, width: int = 24, height: int = 24) -> Photo:
    return Photo(np.full((height, width, 3), (level, 255 - level, 90), dtype=np.uint8))


FRAMES = [flat(level) for level in (0, 60, 120, 250)]
TIMES = [600, 40, 40, 500]


def test_frames_come_back_with_their_times_and_start_over_for_ever() -> None:
    with Image.open(io.BytesIO(encode_animation(FRAMES, TIMES))) as image:
        assert image.format == "WEBP" and image.info["loop"] == 0
        shown = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
    assert [time for _, time in shown] == TIMES
    for (pixels, _), frame in zip(shown, FRAMES, strict=True):
        assert np.abs(pixels.astype(int) - frame.pixels).max() <= 4


def test_what_it_says_of_itself_is_read_back() -> None:
    assert animation_text(encode_animation(FRAMES, TIMES, SYNTHETIC_TEXT), "loop.webp") == SYNTHETIC_TEXT
    assert animation_text(encode_animation(FRAMES, TIMES), "loop.webp") == {}
    with pytest.raises(ImageError, match=r"loop\.webp"):
        animation_text(b"no image", "loop.webp")


def test_the_same_frames_give_the_same_bytes() -> None:
    first, again = (encode_animation(FRAMES, TIMES, SYNTHETIC_TEXT) for _ in range(2))
    assert first == again != encode_animation(FRAMES[::-1], TIMES, SYNTHETIC_TEXT)


def test_whoever_reads_it_as_a_photo_sees_its_first_frame() -> None:
    photo = decode_photo(encode_animation(FRAMES[::-1], TIMES), "loop.webp")
    assert np.abs(photo.pixels.astype(int) - FRAMES[-1].pixels).max() <= 4


def test_what_is_no_animation_is_refused() -> None:
    for frames, times in (([], []), (FRAMES, TIMES[1:]), ([flat(0), flat(0, width=20)], [40, 40])):
        with pytest.raises(ValueError, match="frames of one size"):
            encode_animation(frames, times)
    with pytest.raises(OutputError, match="at most 16383 pixels, not 16384"):
        encode_animation([flat(0, width=16384, height=1)], [40])
