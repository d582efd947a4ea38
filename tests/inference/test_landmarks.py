from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import UsageError, WeightsMissing
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.inference import landmarks
from facesynth.inference.detection import at_working_size
from facesynth.inference.frames import ffhq_frame
from facesynth.inference.landmarks import choose_detector, detector_weights, load_detector
from facesynth.inference.landmarks_dlib import DlibLandmarks
from facesynth.weights import data_folder


@pytest.fixture(scope="module")
def dlib() -> DlibLandmarks:
    return DlibLandmarks.load()


@pytest.fixture(scope="module")
def portrait() -> Photo:
    return read_photo(data_folder("photos") / "portrait-1.jpg")


@pytest.fixture
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FACESYNTH_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


# ---- the choice


@pytest.mark.usefixtures("nothing_fetched")
def test_auto_is_dlib_where_the_weights_of_face_alignment_are_not_on_the_disk() -> None:
    assert choose_detector("auto") == "dlib"
    assert choose_detector("face-alignment") == "face-alignment"


def test_auto_is_face_alignment_where_all_of_its_weights_are(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"2dfan4"}

    def locate(name: str) -> Path:
        if name in there:
            return Path(name)
        raise WeightsMissing(name)

    monkeypatch.setattr(landmarks, "locate", locate)
    assert choose_detector("auto") == "dlib"
    there.add("s3fd")
    assert choose_detector("auto") == "face-alignment"


@pytest.mark.usefixtures("nothing_fetched")
def test_missing_weights_are_named_with_the_commands_that_bring_them() -> None:
    with pytest.raises(WeightsMissing, match="facesynth weights fetch 2dfan4 && facesynth weights fetch s3fd"):
        load_detector("face-alignment", "cpu")


def test_an_unknown_detector_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'mtcnn'; use one of: auto, face-alignment, dlib"):
        choose_detector("mtcnn")


def test_the_weights_of_dlib_are_known_by_their_sha256() -> None:
    assert {name: len(digest) for name, digest in detector_weights("dlib").items()} == {
        "dlib-landmarks-68": 64,
        "dlib-mmod": 64,
    }


# ---- the working size


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 50), (300, 150)), ((400, 30), (400, 30)), ((30, 900), (15, 450))]
)
def test_the_working_copy_keeps_its_proportions_and_its_way_back(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    copy, to_photo = at_working_size(Photo(np.zeros((size[1], size[0], 3), dtype=np.uint8)), 300, 450)
    assert copy.size == expected
    corners = to_photo.apply(np.array([(-0.5, -0.5), (copy.width - 0.5, copy.height - 0.5)]))
    np.testing.assert_allclose(corners, [(-0.5, -0.5), (size[0] - 0.5, size[1] - 0.5)], atol=1e-9)


# ---- dlib


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
    monkeypatch.setattr("facesynth.inference.landmarks_dlib.SURE", 100.0)
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
