"""The adapter, against a stand-in for the library: its networks weigh 190 MB and cannot be had here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import face_alignment
import numpy as np
import pytest
import torch

from facesynth.core.errors import DeviceError
from facesynth.core.images import Photo
from facesynth.inference.landmarks import by_face_alignment as adapter
from facesynth.inference.landmarks.by_face_alignment import FaceAlignmentLandmarks
from tests.drawn_faces import plain_landmarks

FILES = {"2dfan4": "2DFAN4-11f355bf06.pth.tar", "s3fd": "s3fd-619a316812.pth"}


class Library:
    """What the adapter asks of face_alignment.FaceAlignment."""

    made: Library

    def __init__(self, landmarks_type: Any, **options: Any) -> None:
        Library.made = self
        self.options = {"landmarks_type": landmarks_type, **options}
        self.hub = Path(torch.hub.get_dir())
        self.files = {file.name: file.read_bytes() for file in (self.hub / "checkpoints").iterdir()}
        self.faces: Any = None
        self.seen: tuple[int, ...] = ()

    def get_landmarks_from_image(self, image: Any, return_bboxes: bool) -> Any:
        self.seen = image.shape
        assert return_bboxes
        return (None, None, None) if self.faces is None else (self.faces, None, [[1, 2, 3, 4, 0.75]])


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceAlignmentLandmarks:
    for name, file in FILES.items():
        (tmp_path / file).write_bytes(name.encode())
    monkeypatch.setattr(adapter, "locate", lambda name: tmp_path / FILES[name])
    monkeypatch.setattr(face_alignment, "FaceAlignment", Library)
    return FaceAlignmentLandmarks.load("cpu")


def test_the_library_finds_the_verified_files_and_compiles_nothing(loaded: FaceAlignmentLandmarks) -> None:
    made = Library.made
    assert made.files == {file: name.encode() for name, file in FILES.items()}
    assert made.options["device"] == "cpu"
    assert made.options["compile"] is False
    assert made.options["landmarks_type"] == face_alignment.LandmarksType.TWO_D


def test_torch_hub_is_left_as_it_was(loaded: FaceAlignmentLandmarks) -> None:
    assert Path(torch.hub.get_dir()) != Library.made.hub
    assert not Library.made.hub.exists()


def test_landmarks_come_back_in_the_photo_s_own_pixels(loaded: FaceAlignmentLandmarks) -> None:
    photo = Photo(np.zeros((200, 2560, 3), dtype=np.uint8))
    points = plain_landmarks().points * 40 + (600, 50)
    Library.made.faces = [points.astype(np.float32)]
    (found,) = loaded.detect(photo)
    assert Library.made.seen == (100, 1280, 3)
    np.testing.assert_allclose(found.landmarks.points, points * 2 + 0.5, atol=1e-3)
    assert found.score == 0.75


def test_no_face_is_an_empty_list(loaded: FaceAlignmentLandmarks) -> None:
    assert loaded.detect(Photo(np.zeros((20, 30, 3), dtype=np.uint8))) == []


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="cuda:99"):
        FaceAlignmentLandmarks.load("cuda:99")
