"""Which detector is taken, and what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import UsageError, WeightsMissing
from facesynth.inference.landmarks import choice
from facesynth.inference.landmarks.choice import choose_detector, detector_weights, load_detector
from facesynth.inference.landmarks.detection import DETECTOR_WEIGHTS


@pytest.fixture
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FACESYNTH_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


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

    monkeypatch.setattr(choice, "locate", locate)
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


@pytest.mark.usefixtures("nothing_fetched")
def test_the_weights_of_a_detector_are_known_by_their_sha256_wherever_they_lie() -> None:
    for detector in ("dlib", "face-alignment"):
        found = detector_weights(detector)
        assert found.keys() == set(DETECTOR_WEIGHTS[detector])
        assert {len(digest) for digest in found.values()} == {64}
