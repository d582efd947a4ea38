"""The stages around the networks: what their keys hold, and what the bundled parser makes of an example photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.faces import Face
from facesynth.core.image_files import read_photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import Done, Origin, Ref
from facesynth.inference.aligner import Aligner
from facesynth.pipeline import run
from facesynth.stages.base import Stage
from facesynth.stages.segment import ProbabilitiesStage, SegmentStage
from facesynth.store import ArtifactStore


@pytest.fixture(scope="module")
def face() -> Face:
    photo = read_photo(weights.data_folder("photos") / "portrait-1.jpg")
    return Aligner.load("dlib", size=256)([photo])[0][0]


@pytest.fixture(scope="module")
def labels(face: Face) -> LabelMap:
    (outcome,) = SegmentStage(device="cpu")([face])
    assert isinstance(outcome, LabelMap)
    return outcome


def test_the_bundled_parser_knows_a_face(labels: LabelMap) -> None:
    """Golden for version 2 of the stage: shares of the picture and where its parts lie, with room for others."""
    assert weights.default_name("parser") == "parser-mnv2-320-v2"
    share = labels.frequencies() / labels.ids.size
    for label, low, high in ((Label.SKIN, 0.15, 0.5), (Label.HAIR, 0.03, 0.5), (Label.NOSE, 0.01, 0.06)):
        assert low < share[label] < high
    rows, columns = np.mgrid[: labels.height, : labels.width]
    middle = {
        label: (columns[labels.ids == label].mean(), rows[labels.ids == label].mean())
        for label in Label
        if share[label]
    }
    assert middle[Label.L_EYE][0] > labels.width / 2 > middle[Label.R_EYE][0]  # the subject's left is on the right
    assert middle[Label.L_BROW][1] < middle[Label.L_EYE][1] < middle[Label.NOSE][1] < middle[Label.L_LIP][1]


def test_a_label_map_does_not_depend_on_its_batch(face: Face, labels: LabelMap) -> None:
    mirrored = Face.from_aligned(face.photo.flip())
    outcomes = SegmentStage(device="cpu")([mirrored, face, mirrored])
    assert isinstance(outcomes[1], LabelMap)
    assert np.array_equal(outcomes[1].ids, labels.ids)


def test_probabilities_agree_with_the_label_map(face: Face, labels: LabelMap) -> None:
    (outcome,) = ProbabilitiesStage(device="cpu")([face])
    assert isinstance(outcome, np.ndarray)
    assert outcome.shape == (19, labels.height, labels.width)
    assert (outcome.argmax(0) == labels.ids).mean() > 0.99


@pytest.mark.parametrize("stage", [SegmentStage(device="cpu"), ProbabilitiesStage(device="cpu")])
def test_results_come_back_from_the_cache(stage: Stage[Face, Any], face: Face, tmp_path: Path) -> None:
    item = Ref("0" * 64, Origin("face"), lambda: face)
    first, second = (next(run(stage, [item], ArtifactStore(tmp_path))) for _ in range(2))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.cached, second.cached) == (False, True)
    fresh, kept = first.ref.load(), second.ref.load()
    assert np.array_equal(getattr(kept, "ids", kept), getattr(fresh, "ids", fresh))


def test_precision_is_in_the_key_and_device_is_not() -> None:
    assert SegmentStage(precision="bf16").config != SegmentStage().config
    assert SegmentStage(device="cuda", batch_size=2).config == SegmentStage().config
    assert SegmentStage().weights == {"parser": weights.sha256_of("parser-mnv2-320-v2")}
