"""Whose face it is, on the example photos: the people in them do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import WeightsError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.inference.extractors.identity import IdentityDistance

EXAMPLES = weights.data_folder("photos")
# A strip, since dlib's slow detector looks at none.
BLANK = Photo(np.full((4, 96, 3), 90, dtype=np.uint8))


@pytest.fixture(scope="module")
def identity() -> IdentityDistance:
    return IdentityDistance.load()


@pytest.fixture(scope="module")
def people() -> list[Photo]:
    return [read_photo(EXAMPLES / f"portrait-{number}.jpg").resized(256, 256) for number in (1, 2)]


def test_one_persons_pictures_are_nearer_than_two_peoples(identity: IdentityDistance, people: list[Photo]) -> None:
    one, other = people
    assert identity(one, one) == (0, None)
    small, _ = identity(one, one.resized(128, 128))
    mirrored, _ = identity(one.flip(), one)
    apart, _ = identity(one, other)
    assert small is not None and mirrored is not None and apart is not None
    assert 0 < small < 0.4 and 0 < mirrored < 0.5 < apart < 1.5
    assert apart == identity(other, one)[0]


def test_where_there_is_no_face_it_says_in_which(identity: IdentityDistance, people: list[Photo]) -> None:
    assert identity(BLANK, people[0]) == (None, "no face found in the picture")
    assert identity(people[0], BLANK) == (None, "no face found in the reference")
    assert identity(BLANK, BLANK) == (None, "no face found in the picture or the reference")


def test_another_file_than_the_one_that_results_go_by_is_refused() -> None:
    with pytest.raises(WeightsError, match="run again"):
        IdentityDistance.load(sha256="0" * 64)
