"""Golden results of `encode` and `synthesize` with the bundled weights: changed numbers need a higher stage version."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.errors import StyleError
from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.styles import CodeSource, Style
from facesynth.stages.encode import EncodeStage
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.weights import default_name
from tests.drawn_pairs import drawn_face, drawn_labels

LABELS = drawn_labels(0, 128)
CHANGED = "the result changed: raise the stage's version, then record it anew"


def test_encode_version_1() -> None:
    (style,) = EncodeStage(device="cpu")([Face.from_aligned(drawn_face(LABELS, 0))])
    assert isinstance(style, Style)
    ((_, source),) = style.components
    assert isinstance(source, CodeSource)
    assert (EncodeStage.version, default_name("generator")) == (1, "generator-spade-128-v1")
    expected = [-0.959, -1.307, -1.181, -0.849, -0.078, -1.096, 0.272, 0.084]
    assert source.vector[:8] == pytest.approx(expected, abs=0.03), CHANGED


def test_synthesize_version_4() -> None:
    stage = SynthesizeStage(device="cpu")
    style = Style.from_code(np.linspace(-1, 1, 64, dtype=np.float32), stage.weights["generator"])
    picture, of_face = stage([(LABELS, Style.from_seed(7)), (LABELS, style)])
    assert isinstance(picture, Photo) and isinstance(of_face, Photo)
    assert (SynthesizeStage.version, default_name("generator")) == (4, "generator-spade-128-v1")
    levels = of_face.pixels.astype(np.float64)
    assert float(np.abs(np.diff(levels, axis=1)).mean()) == pytest.approx(5.605, abs=0.02), (
        CHANGED
    )  # 5.25 without noise
    thumbnail = picture.pixels.reshape(4, 32, 4, 32, 3).mean((1, 3, 4))
    expected = [
        [120.5, 130.4, 154.9, 164.1],
        [125.4, 163.2, 189.0, 165.5],
        [108.3, 157.8, 187.6, 134.7],
        [145.1, 170.2, 190.8, 165.8],
    ]
    assert np.abs(thumbnail - np.array(expected)).max() < 1, CHANGED


def test_size_is_another_result_and_a_foreign_style_none() -> None:
    stage = SynthesizeStage(device="cpu", size=200)
    assert stage.config != SynthesizeStage().config
    (picture,) = stage([(LABELS, Style.from_seed(7))])
    assert isinstance(picture, Photo)
    assert picture.size == (200, 200)
    foreign = Style.from_code(np.zeros(64, dtype=np.float32), "e" * 64)
    with pytest.raises(StyleError, match="encode the style face again"):
        stage([(LABELS, foreign)])
