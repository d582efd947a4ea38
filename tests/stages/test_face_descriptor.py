"""Whose face a picture shows, as a stage: what is kept, what its key holds, and what has no face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import CacheError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Declined, Done, Origin, Ref
from facesynth.pipeline import run
from facesynth.stages.face_descriptor import FaceDescriptorStage
from facesynth.store import ArtifactStore

CHANGED = "the result changed: raise the stage's version, then record it anew"
BLANK = Photo(np.full((4, 96, 3), 90, dtype=np.uint8))


def ref(place: int, photo: Photo) -> Ref[Photo]:
    return Ref(f"{place:064}", Origin(str(place)), lambda: photo)


def test_face_descriptor_version_1(tmp_path: Path) -> None:
    folder = weights.data_folder("photos")
    photos = [read_photo(folder / f"portrait-{number}.jpg").resized(128, 128) for number in (1, 2)]
    refs = [ref(place, photo) for place, photo in enumerate([*photos, BLANK])]
    store = ArtifactStore(tmp_path / "cache")
    one, other, blank = run(FaceDescriptorStage(), refs, store)
    assert FaceDescriptorStage.version == 1 and isinstance(one, Done) and isinstance(other, Done)
    apart = float(np.linalg.norm(one.ref.load() - other.ref.load()))
    assert apart == pytest.approx(0.748, abs=0.02) and one.ref.load().shape == (128,), CHANGED
    assert isinstance(blank, Declined) and blank.reason == "no face found"
    again = list(run(FaceDescriptorStage(), refs, store))
    assert [isinstance(each, Done | Declined) and each.cached for each in again] == [True] * 3


def test_its_key_holds_the_descriptor_and_the_detector() -> None:
    stage = FaceDescriptorStage()
    assert set(stage.weights) == {"dlib-face-descriptor", "dlib-landmarks-68", "dlib-mmod"} and not stage.config


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    codec, numbers = FaceDescriptorStage.codec, np.linspace(-1, 1, 128)
    data = codec.write(numbers)[codec.main]
    (tmp_path / codec.main).write_bytes(data)
    np.testing.assert_array_equal(codec.read(tmp_path), numbers)
    for damaged in (data[:-8], b"", data[8:]):
        (tmp_path / codec.main).write_bytes(damaged)
        with pytest.raises(CacheError, match="holds no face descriptor"):
            codec.read(tmp_path)
