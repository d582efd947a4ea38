from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.inference.aligner import Aligner
from facesynth.inference.frames import ffhq_frame
from facesynth.inference.landmarks.detection import Detection
from facesynth.weights import data_folder
from tests.drawn_faces import plain_landmarks, ramp_photo, textured_photo


class Known:
    """A detector that knows where the faces are."""

    def __init__(self, faces: Sequence[Landmarks]) -> None:
        self.faces = faces

    def detect(self, photo: Photo) -> list[Detection]:
        return [Detection(landmarks, 1.0 + index) for index, landmarks in enumerate(self.faces)]


def at(scale: float, x: float, y: float, angle: float = 0.0) -> Landmarks:
    return plain_landmarks(Similarity.of(scale, angle, (x, y)))


# Large on the right, central, and small on the left: found in another order.
FACES = [at(40, 300, 100), at(20, 195, 140), at(10, 60, 60)]


@pytest.mark.parametrize(("choice", "expected"), [("all", [2, 1, 0]), ("largest", [0]), ("center", [1])])
def test_the_faces_asked_for_from_left_to_right(choice: str, expected: list[int]) -> None:
    (faces,) = Aligner(Known(FACES), size=32, faces=choice)([ramp_photo(400, 280)])
    assert [face.landmarks for face in faces] == [FACES[index] for index in expected]
    assert [face.score for face in faces] == [1.0 + index for index in expected]
    assert {face.photo.size for face in faces} == {(32, 32)}


@pytest.mark.parametrize("choice", ["all", "largest", "center"])
def test_a_photo_without_faces_gives_none(choice: str) -> None:
    assert Aligner(Known([]), faces=choice)([ramp_photo(40, 30), ramp_photo(30, 40)]) == [[], []]


def test_what_is_no_face_of_this_photo_is_left_out() -> None:
    nowhere = [at(20, -50, 40), at(20, 900, 40), Landmarks(np.full((68, 2), 30.0)), at(20, 60, 60)]
    (faces,) = Aligner(Known(nowhere), size=32)([ramp_photo(120, 120)])
    assert [face.landmarks for face in faces] == [nowhere[3]]


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_the_same_face_gives_the_same_crop_however_it_is_turned(angle: float) -> None:
    # The photo is drawn from the face: each pixel shows where it lies relative to it.
    def photo_of(to_photo: Similarity) -> Photo:
        y, x = np.mgrid[:300, :300]
        place = to_photo.inverse().apply(np.stack([x.ravel(), y.ravel()], axis=1))
        colours = 128 + 100 * np.stack([np.sin(place[:, 0]), np.cos(place[:, 1]), np.sin(place.sum(axis=1))], axis=1)
        return Photo(np.rint(colours).astype(np.uint8).reshape(300, 300, 3))

    crops = []
    for turn in (Similarity.of(50, 0, (150, 150)), Similarity.of(50, angle, (145, 155))):
        (face,) = Aligner(Known([plain_landmarks(turn)]), size=64)([photo_of(turn)])[0]
        crops.append(face.photo.pixels.astype(int))
    middle = slice(12, 52)
    assert np.abs(crops[0] - crops[1])[middle, middle].max() <= 3


@pytest.mark.parametrize("where", [at(30, 150, 130, 0.4), at(70, 150, 120), at(30, 20, 240, -0.5)])
def test_a_face_pasted_back_unchanged_leaves_the_photo_nearly_as_it_was(where: Landmarks) -> None:
    photo = Photo(textured_photo(300, 260).resized(75, 65).resized(300, 260).pixels)
    (face,) = Aligner(Known([where]), size=256)([photo])[0]
    difference = face.paste_back(photo, face.photo).pixels.astype(int) - photo.pixels
    # Inside of the photo's edge, where the crop is not blurred.
    assert np.abs(difference[30:-30, 30:-30]).mean() < 1.5


def test_the_celeba_hq_frame_is_half_a_pixel_away() -> None:
    photo = textured_photo(300, 300)
    maps = [
        Aligner(Known([at(40, 150, 150)]), size=256, frame=frame)([photo])[0][0].to_source
        for frame in ("ffhq", "celeba-hq")
    ]
    assert maps[0] is not None
    assert maps[1] is not None
    np.testing.assert_allclose(maps[1].matrix - maps[0].matrix, [[0, 0, 0.5], [0, 0, 0.5]], atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "16 to 2048"),
        ({"size": 4096}, "16 to 2048"),
        ({"frame": "x"}, "ffhq"),
        ({"faces": "x"}, "largest"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Aligner(Known([]), **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        Aligner.load("dlib", **options)  # type: ignore[arg-type]


def test_the_example_photos_are_aligned_to_the_frame_of_ffhq() -> None:
    aligner = Aligner.load("dlib", size=128)
    photos = [read_photo(data_folder("photos") / name) for name in ("turned-exif6.jpg", "two-people.jpg", "small.jpg")]
    faces = aligner(photos)
    assert [len(each) for each in faces] == [1, 2, 1]
    for photo, found in zip(photos, faces, strict=True):
        for face in found:
            assert face.landmarks is not None
            assert face.to_source is not None
            points = face.to_source.inverse().apply(face.landmarks.points)
            left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
            assert abs(left[1] - right[1]) < 8
            assert 20 < right[0] - left[0] < 40
            assert 50 < left[1] < 70
            assert ffhq_frame(face.landmarks).side < 2 * max(photo.size)
