"""The adapter, against a stand-in for the library: its networks weigh 190 MB and cannot be had here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import face_alignment
import numpy as np
import pytest
import torch
from face_alignment.utils import load_file_from_url

from facesynth.core.errors import DeviceError, WeightsError
from facesynth.core.images import Photo
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
        self.landmarks = Path(load_file_from_url(face_alignment.api.models_urls["2DFAN-4"])).read_bytes()
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
    monkeypatch.setattr(face_alignment, "FaceAlignment", Library)
    return FaceAlignmentLandmarks.load(*(tmp_path / file for file in FILES.values()), device="cpu")


def test_the_library_finds_these_files_and_compiles_nothing(loaded: FaceAlignmentLandmarks, tmp_path: Path) -> None:
    made = Library.made
    assert made.landmarks == b"2dfan4"
    assert made.options["face_detector_kwargs"] == {"path_to_detector": str(tmp_path / FILES["s3fd"])}
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
        FaceAlignmentLandmarks.load(Path("2dfan4"), Path("s3fd"), device="cuda:99")


class Newer(Library):
    """A version that wants other networks."""

    def __init__(self, *_: Any, **__: Any) -> None:
        load_file_from_url("https://nowhere.invalid/newer.pth")


class NewerDetector(Library):
    """A version whose detector is loaded by torch.hub again."""

    def __init__(self, *_: Any, **__: Any) -> None:
        torch.hub.load_state_dict_from_url("https://nowhere.invalid/newer.pth")


@pytest.mark.parametrize("library", [Newer, NewerDetector])
def test_a_library_that_would_fetch_is_refused(
    library: type[Library], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in FILES.values()]
    for file in files:
        file.write_bytes(b"weights")
    monkeypatch.setattr(face_alignment, "FaceAlignment", library)
    usual = torch.hub.urlopen  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match=r"asks for another file \(https://nowhere.invalid/newer.pth\)"):
        FaceAlignmentLandmarks.load(*files, device="cpu")
    assert torch.hub.urlopen is usual  # type: ignore[attr-defined]
