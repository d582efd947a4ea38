"""Dlib, on the example photos."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.inference.frames import ffhq_frame
from facesynth.inference.landmarks.by_dlib import DlibLandmarks
from facesynth.weights import data_folder


@pytest.fixture(scope="module")
def dlib() -> DlibLandmarks:
    return DlibLandmarks.load()


@pytest.fixture(scope="module")
def portrait() -> Photo:
    return read_photo(data_folder("photos") / "portrait-1.jpg")


def test_dlib_finds_the_one_face_of_a_portrait(dlib: DlibLandmarks, portrait: Photo) -> None:
    (found,) = dlib.detect(portrait)
    points = found.landmarks.points
    assert found.score > 0.5
    assert (points > 0).all()
    assert (points < portrait.size).all()
    left_eye, right_eye, chin = points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[8]
    assert left_eye[0] < right_eye[0]
    assert chin[1] > left_eye[1]


@pytest.mark.parametrize("factor", [0.3, 2.5])
def test_dlib_finds_the_same_frame_at_another_size(dlib: DlibLandmarks, portrait: Photo, factor: float) -> None:
    (found,) = dlib.detect(portrait)
    scaled = portrait.resized(round(portrait.width * factor), round(portrait.height * factor))
    (again,) = dlib.detect(scaled)
    expected, frame = ffhq_frame(found.landmarks), ffhq_frame(again.landmarks)
    difference = frame.corners / factor - expected.corners
    assert np.abs(difference).max() < 0.03 * expected.side


def test_the_cnn_finds_what_the_fast_detector_misses(
    dlib: DlibLandmarks, portrait: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    (expected,) = dlib.detect(portrait)
    monkeypatch.setattr(dlib, "_by_hog", lambda photo: [])
    (found,) = dlib.detect(portrait)
    frame, other = ffhq_frame(expected.landmarks), ffhq_frame(found.landmarks)
    assert np.abs(frame.corners - other.corners).max() < 0.04 * frame.side


def test_a_weak_candidate_counts_only_where_the_cnn_sees_a_face_too(
    dlib: DlibLandmarks, portrait: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facesynth.inference.landmarks.by_dlib.SURE", 100.0)
    assert len(dlib.detect(portrait)) == 1
    monkeypatch.setattr(dlib, "_ask_cnn", lambda pixels: [])
    assert dlib.detect(portrait) == []


def test_both_people_of_a_photo_are_found(dlib: DlibLandmarks) -> None:
    assert len(dlib.detect(read_photo(data_folder("photos") / "two-people.jpg"))) == 2


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (64, 48), (500, 400)])
def test_no_face_is_an_empty_list_whatever_the_shape(dlib: DlibLandmarks, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    photo = Photo(np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)))
    assert dlib.detect(photo) == []


def test_the_package_of_the_models_is_not_imported(dlib: DlibLandmarks) -> None:
    assert "face_recognition_models" not in sys.modules  # it needs pkg_resources, which setuptools dropped
