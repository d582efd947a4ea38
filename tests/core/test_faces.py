from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Face, Landmarks, Similarity
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from tests.drawn_faces import plain_landmarks, ramp_photo, textured_photo

similarities = st.builds(
    Similarity.of,
    st.floats(0.01, 100),
    st.floats(-math.pi, math.pi),
    st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
)
POINTS = np.array([(0.0, 0.0), (10.0, 0.0), (-3.0, 7.5)])


def plain(side: int, colour: tuple[int, int, int]) -> Photo:
    return Photo(np.full((side, side, 3), colour, dtype=np.uint8))


# ---- similarity


def test_a_quarter_turn_takes_x_to_y() -> None:
    turned = Similarity.of(2, math.pi / 2, (5, 6)).apply(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(turned, [[5, 8]], atol=1e-12)


@given(similarities)
def test_the_inverse_undoes(similarity: Similarity) -> None:
    np.testing.assert_allclose(similarity.inverse().apply(similarity.apply(POINTS)), POINTS, atol=1e-6)
    assert math.isclose(similarity.scale * similarity.inverse().scale, 1, rel_tol=1e-9)


@given(similarities, similarities)
def test_compose_applies_its_argument_first(second: Similarity, first: Similarity) -> None:
    expected = second.apply(first.apply(POINTS))
    np.testing.assert_allclose(second.compose(first).apply(POINTS), expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 0], [0, -1, 0]],  # a mirror
        [[1, 0.2, 0], [0, 1, 0]],  # a shear
        [[0, 0, 3], [0, 0, 4]],  # a point
        [[1, 0, np.nan], [0, 1, 0]],
        [[1, 0], [0, 1]],
    ],
)
def test_a_matrix_that_is_no_similarity_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(InputError):
        Similarity(np.array(matrix, dtype=np.float64))


def test_values_are_read_only_copies_also_after_a_pickle() -> None:
    matrix = np.eye(2, 3)
    similarity, landmarks = Similarity(matrix), plain_landmarks()
    matrix[0, 2] = 9
    assert similarity.matrix[0, 2] == 0
    for array in (
        similarity.matrix,
        landmarks.points,
        pickle.loads(pickle.dumps(similarity)).matrix,  # noqa: S301
        pickle.loads(pickle.dumps(landmarks)).points,  # noqa: S301
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


# ---- landmarks and faces


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((68, 2), np.inf), np.zeros((68, 3))])
def test_landmarks_are_68_finite_points(points: np.ndarray) -> None:
    with pytest.raises(InputError, match="68×2"):
        Landmarks(points)


def test_a_face_is_square() -> None:
    assert Face.from_aligned(plain(8, (1, 2, 3))).size == 8
    with pytest.raises(InputError, match="12×8"):
        Face.from_aligned(ramp_photo(12, 8))


def test_an_aligned_file_has_no_way_back() -> None:
    face = Face.from_aligned(plain(8, (1, 2, 3)))
    with pytest.raises(UsageError, match="came from"):
        face.paste_back(ramp_photo(20, 20), face.photo)
    with pytest.raises(UsageError, match="came from"):
        face.labels_on_photo(LabelMap(np.zeros((8, 8), dtype=np.uint8)), 20, 20)


# ---- paste-back


def test_an_unchanged_crop_changes_nothing() -> None:
    photo = textured_photo(90, 70)
    crop = Photo(photo.pixels[10:50, 30:70])
    face = Face(crop, to_source=Similarity.of(shift=(30, 10)))
    np.testing.assert_array_equal(face.paste_back(photo, crop).pixels, photo.pixels)


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.5])
@pytest.mark.parametrize("edited_side", [8, 40, 150])
@pytest.mark.parametrize("feather", [0.0, 0.1, 0.4])
def test_only_the_crop_is_touched_and_its_middle_is_the_edit(angle: float, edited_side: int, feather: float) -> None:
    photo = textured_photo(120, 100)
    to_source = Similarity.of(1.5, angle, (60, 50)).compose(Similarity.of(shift=(-19.5, -19.5)))
    face = Face(plain(40, (0, 0, 0)), to_source=to_source)
    pasted = face.paste_back(photo, plain(edited_side, (255, 0, 255)), feather=feather).pixels

    y, x = np.mgrid[:100, :120]
    inside_face = to_source.inverse().apply(np.stack([x.ravel(), y.ravel()], axis=1))
    depth = np.minimum(inside_face + 0.5, 39.5 - inside_face).min(axis=1).reshape(100, 120) / 40
    np.testing.assert_array_equal(pasted[depth <= 0], photo.pixels[depth <= 0])
    assert (pasted[depth >= max(feather, 0.02)] == (255, 0, 255)).all()
    assert (depth >= max(feather, 0.02)).any()


def test_the_feather_grows_inward_without_a_step() -> None:
    photo, face = plain(100, (0, 0, 0)), Face(plain(60, (0, 0, 0)), to_source=Similarity.of(shift=(20, 20)))
    row = face.paste_back(photo, plain(60, (200, 200, 200)), feather=0.2).pixels[50, :, 0].astype(int)
    assert (np.diff(row[:51]) >= 0).all()
    assert np.abs(np.diff(row)).max() < 30
    assert row[19] == 0
    assert row[50] == 200


def test_an_edit_of_another_size_lands_in_the_same_place() -> None:
    photo = ramp_photo(200, 160)
    to_source = Similarity.of(1.7, 0.3, (60, 30))
    face = Face(plain(64, (0, 0, 0)), to_source=to_source)
    for side in (64, 256):
        # An edit that shows what the photo shows leaves it as it is, within the rounding of two resamplings.
        y, x = np.mgrid[:side, :side]
        source = to_source.apply((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * 64 / side - 0.5)
        shown = np.stack(
            [20 + 215 * source[:, 0] / 199, 20 + 215 * source[:, 1] / 159, np.full(side * side, 128.0)], axis=1
        )
        edited = Photo(np.clip(np.rint(shown), 0, 255).astype(np.uint8).reshape(side, side, 3))
        difference = face.paste_back(photo, edited).pixels.astype(int) - photo.pixels
        assert np.abs(difference).max() <= 2


def test_a_crop_may_reach_over_the_edge_or_lie_outside() -> None:
    photo = textured_photo(50, 40)
    over = Face(plain(30, (0, 0, 0)), to_source=Similarity.of(shift=(-15, -15)))
    pasted = over.paste_back(photo, plain(30, (9, 9, 9))).pixels
    assert (pasted[0, 0] == 9).all()
    np.testing.assert_array_equal(pasted[:, 15:], photo.pixels[:, 15:])
    outside = Face(plain(30, (0, 0, 0)), to_source=Similarity.of(shift=(500, 0)))
    np.testing.assert_array_equal(outside.paste_back(photo, plain(30, (9, 9, 9))).pixels, photo.pixels)


def test_what_cannot_be_pasted_is_refused() -> None:
    face = Face(plain(30, (0, 0, 0)), to_source=Similarity.of())
    with pytest.raises(UsageError, match="feather"):
        face.paste_back(plain(40, (0, 0, 0)), face.photo, feather=0.6)
    with pytest.raises(InputError, match="square"):
        face.paste_back(plain(40, (0, 0, 0)), ramp_photo(30, 20))


# ---- labels


def test_labels_on_the_photo_are_those_under_each_pixel() -> None:
    labels = LabelMap(np.random.default_rng(3).integers(1, 19, (20, 20)).astype(np.uint8))
    to_source = Similarity.of(1.3, 0.5, (25, 12))
    face = Face(plain(40, (0, 0, 0)), to_source=to_source)
    found = face.labels_on_photo(labels, 70, 60).ids
    back = to_source.inverse()
    for y in range(70):
        for x in range(60):
            u, v = (back.apply(np.array([[x, y]], dtype=np.float64))[0] + 0.5) / 40
            inside = 0 <= u < 1 and 0 <= v < 1
            assert found[y, x] == (labels.ids[int(v * 20), int(u * 20)] if inside else 0)
    assert found.any()


def test_labels_outside_of_the_photo_leave_it_background() -> None:
    face = Face(plain(40, (0, 0, 0)), to_source=Similarity.of(shift=(-200, 0)))
    labels = LabelMap(np.ones((40, 40), dtype=np.uint8))
    assert not face.labels_on_photo(labels, 30, 30).ids.any()


@pytest.mark.parametrize("own", [Label.BACKGROUND, Label.CLOTH])
def test_paste_back_with_labels_keeps_the_photos_own_background_and_clothes(own: Label) -> None:
    photo = textured_photo(200, 160)
    face = Face(photo.resized(64, 64), None, Similarity.of(1.5, 0.0, (40.0, 30.0)), None)
    ids = np.full((32, 32), own, dtype=np.uint8)
    ids[12:20, 12:20] = Label.SKIN
    edited = Photo(np.full((64, 64, 3), 255, dtype=np.uint8))
    whole, cut = face.paste_back(photo, edited), face.paste_back(photo, edited, labels=LabelMap(ids))
    x, y = (int(value) for value in face.to_source.apply(np.array([[32.0, 32.0]]))[0])  # type: ignore[union-attr]
    assert (whole.pixels[y, x] == 255).all()
    assert (cut.pixels[y, x] >= 250).all()
    x, y = (int(value) for value in face.to_source.apply(np.array([[12.0, 32.0]]))[0])  # type: ignore[union-attr]
    assert (whole.pixels[y, x] == 255).all()
    assert np.array_equal(cut.pixels[y, x], photo.pixels[y, x])
