"""Whose face it is, on the example photos: the people in them do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import WeightsError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.inference.extractors.identity import FaceDescriptor

EXAMPLES = weights.data_folder("photos")
# A strip, since dlib's slow detector looks at none.
BLANK = Photo(np.full((4, 96, 3), 90, dtype=np.uint8))


@pytest.fixture(scope="module")
def describe() -> FaceDescriptor:
    return FaceDescriptor.load()


def test_one_persons_pictures_are_nearer_than_two_peoples(describe: FaceDescriptor) -> None:
    one, other = (read_photo(EXAMPLES / f"portrait-{number}.jpg").resized(256, 256) for number in (1, 2))

    def apart(first: Photo, second: Photo) -> float:
        descriptors = [describe(photo) for photo in (first, second)]
        assert descriptors[0] is not None and descriptors[1] is not None and descriptors[0].shape == (128,)
        return float(np.linalg.norm(descriptors[0] - descriptors[1]))

    assert apart(one, one) == 0
    assert 0 < apart(one, one.resized(128, 128)) < 0.4
    assert 0 < apart(one.flip(), one) < 0.5 < apart(one, other) < 1.5


def test_where_there_is_no_face_there_is_no_descriptor(describe: FaceDescriptor) -> None:
    assert describe(BLANK) is None


def test_another_file_than_the_one_that_results_go_by_is_refused() -> None:
    with pytest.raises(WeightsError, match="run again"):
        FaceDescriptor.load(sha256="0" * 64)
