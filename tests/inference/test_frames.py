from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Landmarks, Similarity
from facesynth.inference.frames import FRAMES, Frame, celeba_hq_frame, ffhq_frame, five_points, frame_named
from tests.drawn_faces import plain_landmarks

into_photos = st.builds(
    Similarity.of,
    st.floats(5, 800),
    st.floats(-math.pi, math.pi),
    st.tuples(st.floats(0, 4000), st.floats(0, 3000)),
)
seeds = st.integers(0, 2**32 - 1)


def published_square(left_eye: Any, right_eye: Any, mouth: Any) -> Any:
    """Both recipes' square as their authors describe it, in numbers one by one: 4×2."""
    ex, ey = right_eye[0] - left_eye[0], right_eye[1] - left_eye[1]
    middle_x, middle_y = (left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2
    mx, my = mouth[0] - middle_x, mouth[1] - middle_y
    # x = eye_to_eye - rot90(eye_to_mouth), rot90((a, b)) = (-b, a)
    x, y = ex + my, ey - mx
    length = math.sqrt(x * x + y * y)
    reach = max(2.0 * math.sqrt(ex * ex + ey * ey), 1.8 * math.sqrt(mx * mx + my * my))
    x, y = x / length * reach, y / length * reach
    down_x, down_y = -y, x
    cx, cy = middle_x + 0.1 * mx, middle_y + 0.1 * my
    signs = [(-1, -1), (-1, 1), (1, 1), (1, -1)]
    return np.array([(cx + s * x + t * down_x, cy + s * y + t * down_y) for s, t in signs])


def noisy_landmarks(to_photo: Similarity, seed: int) -> Landmarks:
    noise = np.random.default_rng(seed).normal(0, 0.05, (68, 2))
    return Landmarks(to_photo.apply(plain_landmarks().points + noise))


@given(into_photos, seeds)
def test_the_ffhq_frame_is_the_published_one(to_photo: Similarity, seed: int) -> None:
    landmarks = noisy_landmarks(to_photo, seed)
    left = sum(landmarks.points[i] for i in range(36, 42)) / 6
    right = sum(landmarks.points[i] for i in range(42, 48)) / 6
    mouth = (landmarks.points[48] + landmarks.points[54]) / 2
    np.testing.assert_allclose(ffhq_frame(landmarks).corners, published_square(left, right, mouth), atol=1e-6)


@given(into_photos, seeds)
def test_the_celeba_hq_frame_is_the_published_one(to_photo: Similarity, seed: int) -> None:
    points = five_points(noisy_landmarks(to_photo, seed))
    mouth = (points[3] + points[4]) / 2
    expected = published_square(points[0] + 0.5, points[1] + 0.5, mouth + 0.5)
    np.testing.assert_allclose(celeba_hq_frame(points).corners, expected, atol=1e-6)


@given(into_photos, seeds)
def test_the_ffhq_frame_moves_with_the_face(to_photo: Similarity, seed: int) -> None:
    upright = ffhq_frame(noisy_landmarks(Similarity.of(), seed)).corners
    moved = ffhq_frame(noisy_landmarks(to_photo, seed)).corners
    assert np.abs(to_photo.apply(upright) - moved).max() < 1e-6


def test_from_the_same_68_points_the_frames_differ_by_half_a_pixel() -> None:
    landmarks = plain_landmarks(Similarity.of(90, 0.3, (300, 200)))
    difference = FRAMES["celeba-hq"](landmarks).corners - FRAMES["ffhq"](landmarks).corners
    np.testing.assert_allclose(difference, 0.5, atol=1e-9)


def test_an_upright_face_gets_an_upright_frame_around_it() -> None:
    landmarks = plain_landmarks(Similarity.of(100, 0, (500, 400)))
    frame = ffhq_frame(landmarks)
    top_left, bottom_left, bottom_right, top_right = frame.corners
    assert top_left[1] == pytest.approx(top_right[1])
    assert top_left[0] == pytest.approx(bottom_left[0])
    assert top_left[0] < 400 < 600 < bottom_right[0]
    crop = frame.to_source(1024).inverse().apply(landmarks.points)
    # In FFHQ the eyes of a frontal face lie level, near 0.47 of the height, and about a quarter of the width apart.
    left, right = crop[36:42].mean(axis=0) / 1024, crop[42:48].mean(axis=0) / 1024
    assert left[1] == pytest.approx(right[1], abs=1e-6)
    assert 0.44 < left[1] < 0.5
    assert 0.2 < right[0] - left[0] < 0.3


@given(into_photos, st.sampled_from([16, 128, 512, 1024]))
def test_the_map_to_the_photo_takes_the_crop_s_outline_to_the_corners(to_photo: Similarity, size: int) -> None:
    frame = ffhq_frame(plain_landmarks(to_photo))
    last = size - 0.5
    outline = np.array([(-0.5, -0.5), (-0.5, last), (last, last), (last, -0.5)])
    np.testing.assert_allclose(frame.to_source(size).apply(outline), frame.corners, atol=1e-6)
    assert frame.to_source(size).scale == pytest.approx(frame.side / size)


def test_points_in_one_spot_are_refused() -> None:
    with pytest.raises(InputError, match="no face"):
        ffhq_frame(Landmarks(np.full((68, 2), 7.0)))
    with pytest.raises(InputError, match="no face"):
        Frame(np.zeros(2), np.array([np.nan, 1.0]))


def test_an_unknown_frame_is_named_with_the_known_ones() -> None:
    assert frame_named("ffhq") is ffhq_frame
    with pytest.raises(UsageError, match="'arcface'; use one of: ffhq, celeba-hq"):
        frame_named("arcface")
