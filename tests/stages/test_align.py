from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.core.faces import Face, Similarity
from facesynth.core.image_files import decode_photo, read_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Rejected, sha256_bytes, sha256_file
from facesynth.stages.align import AlignStage, FacesCodec
from facesynth.weights import data_folder
from tests.drawn_faces import plain_landmarks, ramp_photo, textured_photo

FACES = (
    Face(textured_photo(32, 32), plain_landmarks(Similarity.of(10, 0.1, (30, 30))), Similarity.of(0.3, 0.1), 1.25),
    Face(ramp_photo(16, 16)),
)


def kept(folder: Path, faces: tuple[Face, ...]) -> Path:
    for name, data in FacesCodec().write(faces).items():
        (folder / name).write_bytes(data)
    return folder


def same(a: Face, b: Face) -> bool:
    def parts(face: Face) -> list[object]:
        points = None if face.landmarks is None else face.landmarks.points.tolist()
        matrix = None if face.to_source is None else face.to_source.matrix.tolist()
        return [face.photo.pixels.tolist(), points, matrix, face.score]

    return parts(a) == parts(b)


# ---- the codec


def test_faces_come_back_as_they_were_together_and_one_by_one(tmp_path: Path) -> None:
    codec = FacesCodec()
    folder = kept(tmp_path, FACES)
    assert all(map(same, codec.read(folder), FACES))
    assert same(codec.read_part(folder, 1), FACES[1])


def test_faces_lie_in_ordinary_files(tmp_path: Path) -> None:
    files = FacesCodec().write(FACES)
    assert sorted(files) == ["face_00.png", "face_01.png", "landmarks.json"]
    np.testing.assert_array_equal(decode_photo(files["face_01.png"], "x").pixels, FACES[1].photo.pixels)
    rows = json.loads(files["landmarks.json"])["faces"]
    assert [row["sha256"] for row in rows] == [sha256_bytes(files[row["file"]]) for row in rows]
    assert files == FacesCodec().write(FACES)


def test_other_pixels_give_another_main_file() -> None:
    other = Face(Photo(255 - FACES[0].photo.pixels), FACES[0].landmarks, FACES[0].to_source, FACES[0].score)
    main = FacesCodec.main
    assert FacesCodec().write((other,))[main] != FacesCodec().write(FACES[:1])[main]


def test_the_parts_are_in_the_order_of_their_numbers() -> None:
    names = ["face_100.png", "landmarks.json", "face_99.png", "face_00.png", "manifest.json", "other_01.png"]
    assert FacesCodec().parts(names) == ["face_00.png", "face_99.png", "face_100.png"]


# ---- the stage


def test_the_config_holds_what_changes_the_result_and_the_detector_that_auto_meant() -> None:
    stage = AlignStage(size=64, faces="largest", landmarks="dlib", device="cpu")
    assert stage.config == {"size": 64, "frame": "ffhq", "faces": "largest", "landmarks": "dlib"}
    assert set(stage.weights) == {"dlib-landmarks-68", "dlib-mmod"}
    assert AlignStage(landmarks="auto").config["landmarks"] in ("dlib", "face-alignment")


def test_wrong_options_are_refused_before_anything_is_loaded() -> None:
    for options in ({"size": 1}, {"frame": "x"}, {"faces": "x"}, {"landmarks": "x"}):
        with pytest.raises(UsageError):
            AlignStage(**options)


def test_a_photo_without_a_face_is_rejected_and_the_others_are_not() -> None:
    portrait = read_photo(data_folder("photos") / "portrait-1.jpg")
    nobody, faces = AlignStage(size=64, landmarks="dlib")([ramp_photo(80, 60), portrait])
    assert nobody == Rejected("no face found")
    assert isinstance(faces, tuple)
    assert [face.size for face in faces] == [64]


def test_aligning_by_dlib_imports_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from facesynth.core.images import Photo\n"
        "from facesynth.stages.align import AlignStage\n"
        "AlignStage(landmarks='dlib')([Photo(np.zeros((50, 50, 3), np.uint8))]); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# What version 1 answers for an example photo. Record again, and raise AlignStage.version, when this is meant to change.
GOLDEN_VERSION = 1
GOLDEN_PHOTO = "d9272326567f58660a65e1b65db313541e977934fc24b7441aa64dc41250ffce"
GOLDEN_MATRIX = [[4.9416, 0.0085, 6.2455], [-0.0085, 4.9416, 7.3515]]
GOLDEN_EYES = [[240.94, 306.31], [399.07, 306.51]]
GOLDEN_THUMBNAIL = [
    [185.3, 57.3, 50.3, 194.7],
    [127.0, 105.7, 63.3, 115.3],
    [180.7, 118.0, 106.0, 171.7],
    [184.0, 124.0, 98.0, 171.0],
]


def test_golden_the_result_of_this_version() -> None:
    path = data_folder("photos") / "portrait-1.jpg"
    assert sha256_file(path) == GOLDEN_PHOTO, "the example photo is another one: record the golden values again"
    (faces,) = AlignStage(size=128, landmarks="dlib")([read_photo(path)])
    assert isinstance(faces, tuple)
    (face,) = faces
    assert face.to_source is not None
    assert face.landmarks is not None
    eyes = [face.landmarks.points[start : start + 6].mean(axis=0) for start in (36, 42)]
    thumbnail = face.photo.resized(4, 4).pixels.mean(axis=2)
    message = "the result of align changed: bump AlignStage.version, then record the golden values again"
    assert AlignStage.version == GOLDEN_VERSION, "record the golden values of this version"
    np.testing.assert_allclose(face.to_source.matrix, GOLDEN_MATRIX, atol=0.02, err_msg=message)
    np.testing.assert_allclose(eyes, GOLDEN_EYES, atol=0.3, err_msg=message)
    np.testing.assert_allclose(thumbnail, GOLDEN_THUMBNAIL, atol=1.5, err_msg=message)
