"""Faces cut out of FFHQ's in-the-wild photos, where its authors cut them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from facesynth.core.errors import InputError
from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.layouts.ffhq import FfhqLayout
from facesynth.inference.frames import ffhq_frame
from tests.datasets.layouts.test_ffhq import by_name, made
from tests.drawn_faces import plain_landmarks, textured_photo
from tests.drawn_field_datasets import (
    wild_landmarks,
    write_ffhq,
)

# Faces out of photos. The procedure of Karras et al. 2019, appendix A, written down here from its description: numbers
# one by one, and the picture by asking what lies under each of its pixels.


def published_corners(points: Any) -> Any:
    """4×2: the square's corners, top left, bottom left, bottom right, top right, in the photo's pixels."""
    left, right = (tuple(sum(points[i][axis] for i in eye) / 6 for axis in (0, 1)) for eye in (_LEFT, _RIGHT))
    eyes = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
    across = (right[0] - left[0], right[1] - left[1])
    mouth = ((points[48][0] + points[54][0]) / 2, (points[48][1] + points[54][1]) / 2)
    down = (mouth[0] - eyes[0], mouth[1] - eyes[1])
    x = (across[0] + down[1], across[1] - down[0])
    reach = max(2.0 * math.hypot(*across), 1.8 * math.hypot(*down)) / math.hypot(*x)
    x = (x[0] * reach, x[1] * reach)
    y = (-x[1], x[0])
    centre = (eyes[0] + 0.1 * down[0], eyes[1] + 0.1 * down[1])
    signs = ((-1, -1), (-1, 1), (1, 1), (1, -1))
    return np.array([[centre[0] + a * x[0] + b * y[0], centre[1] + a * x[1] + b * y[1]] for a, b in signs])


_LEFT, _RIGHT = range(36, 42), range(42, 48)


def into_crop(points: Any, corners: Any, size: int) -> Any:
    """Where points of the photo come to lie in the crop, in its pixels."""
    top_left, bottom_left, _, top_right = corners
    axes = np.stack([top_right - top_left, bottom_left - top_left], axis=1) / size
    return np.linalg.solve(axes, (np.asarray(points) - top_left).T).T - 0.5


def dotted(width: int, height: int, gap: int) -> tuple[Photo, Any]:
    """Soft white dots on grey, and where they are."""
    across, down = (np.arange(gap // 2, length, gap) for length in (width, height))
    ridges = [
        np.exp(-((np.arange(length)[:, None] - places) ** 2) / (2 * (gap / 10) ** 2)).sum(axis=1)
        for length, places in ((height, down), (width, across))
    ]
    level = np.rint(40 + 200 * np.outer(*ridges)).clip(0, 255).astype(np.uint8)
    return Photo(np.repeat(level[..., None], 3, axis=2)), np.array(list(itertools.product(across, down)))


SCENES = {
    # face to photo, photo's width and height, gap between dots, size of the crop
    "upright": (Similarity.of(60, 0, (240, 200)), (480, 400), 24, 128),
    "turned": (Similarity.of(55, 0.6, (250, 190)), (480, 400), 24, 128),
    "enlarged": (Similarity.of(30, -0.3, (240, 200)), (480, 400), 16, 160),
    "shrunk by two": (Similarity.of(160, 0.2, (420, 400)), (861, 803), 60, 128),
    "shrunk by three": (Similarity.of(120, -0.1, (300, 310)), (613, 647), 60, 64),
    "over the photo's edge": (Similarity.of(60, 0.3, (60, 330)), (480, 400), 24, 128),
}


@pytest.mark.parametrize("scene", SCENES)
def test_faces_are_cut_out_where_the_published_procedure_cuts(tmp_path: Path, scene: str) -> None:
    to_photo, (width, height), gap, size = SCENES[scene]
    photo, dots = dotted(width, height, gap)
    rough = np.random.default_rng(5).normal(0, 0.02, (68, 2))
    landmarks = Landmarks(to_photo.apply(plain_landmarks().points + rough))
    folder = write_ffhq(tmp_path, (1234,), parts=("in-the-wild",), wild=lambda _: photo, landmarks=lambda _: landmarks)
    corners = published_corners(landmarks.points.tolist())
    np.testing.assert_allclose(ffhq_frame(landmarks).corners, corners, atol=1e-6)

    row = made(FfhqLayout(folder, size=size), tmp_path / "out")["01234"]
    assert row.written == (tmp_path / "out" / "faces" / "01000" / "01234.png",) == (row.sample.image,)
    assert row.sample.sha256 == hashlib.sha256(row.sample.image.read_bytes()).hexdigest()
    face = read_photo(row.sample.image)
    assert face.size == (size, size)
    assert np.abs(np.array(row.sample.landmarks) - into_crop(landmarks.points, corners, size)).max() < 1

    reach = gap * size / np.hypot(*(corners[3] - corners[0])) / 2
    inside = [
        (place, dot)
        for place, dot in zip(into_crop(dots, corners, size), dots, strict=True)
        if (place > reach).all()
        and (place < size - 1 - reach).all()
        # Towards the photo's edge the procedure blurs.
        and (dot > 2 * gap).all()
        and (dot < np.array(photo.size) - 2 * gap).all()
    ]
    assert len(inside) >= 8
    y, x = np.mgrid[:size, :size].astype(float)
    light = face.pixels[..., 0].astype(float) - 40
    for (px, py), _ in inside:
        near = light * (np.hypot(x - px, y - py) < reach)
        seen = np.array([(near * x).sum(), (near * y).sum()]) / near.sum()
        assert np.hypot(*(seen - (px, py))) < 1


def test_the_cut_out_picture_is_what_lies_under_its_pixels(tmp_path: Path) -> None:
    def scene(x: Any, y: Any) -> Any:
        waves = (np.sin(x / 9) * np.cos(y / 7), np.sin((x + y) / 11), np.cos(x / 13 - y / 8))
        return 128 + 90 * np.stack(waves, axis=-1)

    size, (y, x) = 128, np.mgrid[:400, :480].astype(float)
    photo = Photo(np.rint(scene(x, y)).astype(np.uint8))
    landmarks = plain_landmarks(Similarity.of(50, 0.35, (240, 200)))
    folder = write_ffhq(tmp_path, (0,), parts=("in-the-wild",), wild=lambda _: photo, landmarks=lambda _: landmarks)
    face = read_photo(made(FfhqLayout(folder, size=size), tmp_path / "out")["00000"].sample.image)
    top_left, bottom_left, _, top_right = published_corners(landmarks.points.tolist())

    def error(shift: tuple[float, float]) -> float:
        v, u = (np.mgrid[:size, :size] + 0.5 + np.array(shift)[:, None, None]) / size
        under = top_left + u[..., None] * (top_right - top_left) + v[..., None] * (bottom_left - top_left)
        return float(np.abs(face.pixels - scene(under[..., 0], under[..., 1])).mean())

    shifts = [(a / 4, b / 4) for a, b in itertools.product(range(-6, 7), repeat=2)]
    best = min(shifts, key=error)
    assert math.hypot(*best) <= 0.25
    assert error((0, 0)) < 2 < error((0, 1)) / 2


def test_landmarks_are_in_the_pixels_as_stored_whatever_exif_says(tmp_path: Path) -> None:
    """The published procedure opens the photos without a look at their EXIF."""

    def cut(folder: Path) -> Photo:
        write_ffhq(folder, (0,), parts=("in-the-wild",))
        path = folder / "in-the-wild-images" / "00000" / "00000.png"
        stored = Image.open(path)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        stored.save(path, exif=exif if folder.name == "turned" else None)
        told = folder / "ffhq-dataset-v2.json"
        rows = json.loads(told.read_text())
        rows["0"]["in_the_wild"] |= {"file_md5": hashlib.md5(path.read_bytes()).hexdigest(), "pixel_size": [150, 130]}
        told.write_text(json.dumps(rows))
        return read_photo(made(FfhqLayout(folder, size=64), folder / "out")["00000"].sample.image)

    assert np.array_equal(cut(tmp_path / "turned").pixels, cut(tmp_path / "plain").pixels)


def test_a_photo_of_another_size_than_the_json_tells_is_refused(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path, (0, 1, 2), parts=("in-the-wild",))
    told = folder / "ffhq-dataset-v2.json"
    rows = json.loads(told.read_text())
    for number, size in (("0", [130, 150]), ("1", [150, 130]), ("2", "large")):
        rows[number]["in_the_wild"]["pixel_size"] = size
    told.write_text(json.dumps(rows))
    done = import_dataset(FfhqLayout(folder, size=64), tmp_path / "out")
    assert done.count == 1 and {problem.names[0]: problem.what for problem in done.failures} == {
        "00000": "its landmarks in ffhq-dataset-v2.json are those of a photo of 130×150, this one is 150×130;"
        " download it again",
        "00002": "pixel_size in ffhq-dataset-v2.json is no size: 'large'",
    }


def test_landmarks_outside_of_the_photo_are_told_and_most_of_them_refused(tmp_path: Path) -> None:
    scale = {0: (75, 60), 1: (75, 6), 2: (75, -20)}  # inside, brows above the edge, all but the chin above it

    def marked(number: int) -> Landmarks:
        return plain_landmarks(Similarity.of(20, 0, scale[number]))

    folder = write_ffhq(tmp_path, scale, parts=("in-the-wild",), landmarks=marked)
    done = import_dataset(FfhqLayout(folder, size=64), tmp_path / "out")
    assert [(each.what, each.names) for each in done.warnings] == [
        ("some of its landmarks lie outside of the photo", ("00001",))
    ]
    ((what, names),) = [(each.what, each.names) for each in done.failures]
    assert names == ("00002",) and what.endswith("of its 68 landmarks lie outside of the photo")


def test_the_crop_of_version_1(tmp_path: Path) -> None:
    landmarks = plain_landmarks(Similarity.of(60, 0.3, (60, 330)))
    folder = write_ffhq(
        tmp_path,
        (0,),
        parts=("in-the-wild",),
        wild=lambda number: textured_photo(480, 400, number),
        landmarks=lambda _: landmarks,
    )
    face = read_photo(made(FfhqLayout(folder, size=128), tmp_path / "out")["00000"].sample.image)
    assert FfhqLayout.version == 1
    thumbnail = face.pixels.reshape(4, 32, 4, 32, 3).mean((1, 3, 4))
    expected = [
        [119.3, 132.0, 125.1, 118.6],
        [145.9, 130.7, 123.9, 113.5],
        [141.9, 134.2, 133.5, 140.9],
        [118.8, 117.8, 116.6, 141.0],
    ]
    assert np.abs(thumbnail - np.array(expected)).max() < 0.5, "the crop changed: raise the layout's version"


def test_faces_are_the_same_bytes_each_time_and_nothing_half_written_stays(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path / "ffhq", (0, 1, 2), parts=("in-the-wild",))
    layout = FfhqLayout(folder, size=64)
    first, again = made(layout, tmp_path / "a"), made(layout, tmp_path / "b")
    assert [row.sample.sha256 for row in first.values()] == [row.sample.sha256 for row in again.values()]
    names = sorted(path.name for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert names == ["00000.png", "00001.png", "00002.png"]


def test_photos_that_cannot_be_cut_are_named(tmp_path: Path) -> None:
    def marked(number: int) -> Landmarks:
        if number == 1:
            return plain_landmarks(Similarity.of(20, 0, (3000, 3000)))
        return Landmarks(np.full((68, 2), 7.0)) if number == 2 else wild_landmarks(number)

    folder = write_ffhq(tmp_path, (0, 1, 2, 3), parts=("in-the-wild",), landmarks=marked)
    told = folder / "ffhq-dataset-v2.json"
    rows = json.loads(told.read_text())
    del rows["3"]
    rows["0"]["in_the_wild"]["face_landmarks"] = rows["0"]["in_the_wild"]["face_landmarks"][:5]
    told.write_text(json.dumps(rows))
    layout = FfhqLayout(folder, size=64)
    for name, message in (("00000", "68×2"), ("00001", "outside"), ("00002", "no face"), ("00003", "no landmarks")):
        with pytest.raises(InputError, match=message) as caught:
            layout.make(by_name(layout)[name], tmp_path / "out")
        assert caught.value.where == str(folder / "in-the-wild-images" / "00000" / f"{name}.png")
    assert not (tmp_path / "out").exists()


def test_a_landmark_that_is_no_number_fails_its_face_alone(tmp_path: Path) -> None:
    folder = write_ffhq(tmp_path / "ffhq", (0, 1))
    path = folder / "ffhq-dataset-v2.json"
    rows = json.loads(path.read_text())
    rows["0"]["image"]["face_landmarks"][3][1] = "high"
    path.write_text(json.dumps(rows))
    done = import_dataset(FfhqLayout(folder), tmp_path / "out")
    assert (done.count, done.failed) == (1, 1)
    assert "is no number: 'high'" in done.failures[0].what
