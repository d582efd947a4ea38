"""Golden results of `encode` and `synthesize` with the bundled weights: changed numbers need a higher stage version."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.errors import StyleError
from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import Label
from facesynth.core.styles import RegionsSource, Style
from facesynth.stages.encode import EncodeRegionsStage
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.weights import default_name
from tests.drawn_pairs import drawn_face, drawn_labels

LABELS = drawn_labels(0, 128)
READ = {
    Label.SKIN: [0.114, -0.625, 0.076, -0.004],
    Label.HAIR: [-0.222, -1.385, 0.56, -0.912],
    Label.BACKGROUND: [0.417, 0.133, 0.327, -0.189],
}
ROUGHNESS = 3.85
"""Mean difference of neighbours, in grey levels: less without noise."""
THUMBNAIL = [
    [105.7, 140.1, 148.3, 115.2],
    [115.2, 163.9, 170.1, 124.3],
    [107.5, 161.9, 165.3, 78.5],
    [96.0, 77.0, 76.5, 72.7],
]
CHANGED = "the result changed: raise the stage's version, then record it anew"


def test_encode_regions_version_1() -> None:
    (style,) = EncodeRegionsStage(device="cpu")([(Face.from_aligned(drawn_face(LABELS, 0)), LABELS)])
    assert isinstance(style, Style)
    ((_, source),) = style.components
    assert isinstance(source, RegionsSource)
    assert (EncodeRegionsStage.version, default_name("generator")) == (1, "generator-spade-256-v2")
    for label, expected in READ.items():
        assert source.vectors[label][:4] == pytest.approx(expected, abs=0.03), CHANGED


def test_synthesize_version_4() -> None:
    stage = SynthesizeStage(device="cpu")
    codes = {label: np.linspace(-1, 1, 64, dtype=np.float32) for label in (Label.SKIN, Label.HAIR)}
    style = Style.from_regions(codes, stage.weights["generator"])
    picture, of_face = stage([(LABELS, Style.from_seed(7)), (LABELS, style)])
    assert isinstance(picture, Photo) and isinstance(of_face, Photo)
    assert (SynthesizeStage.version, default_name("generator")) == (4, "generator-spade-256-v2")
    levels = of_face.pixels.astype(np.float64)
    assert float(np.abs(np.diff(levels, axis=1)).mean()) == pytest.approx(ROUGHNESS, abs=0.02), CHANGED
    thumbnail = picture.pixels.reshape(4, 64, 4, 64, 3).mean((1, 3, 4))
    assert np.abs(thumbnail - np.array(THUMBNAIL)).max() < 1, CHANGED


def test_size_is_another_result_and_a_foreign_style_none() -> None:
    stage = SynthesizeStage(device="cpu", size=200)
    assert stage.config != SynthesizeStage().config
    (picture,) = stage([(LABELS, Style.from_seed(7))])
    assert isinstance(picture, Photo)
    assert picture.size == (200, 200)
    foreign = Style.from_code(np.zeros(64, dtype=np.float32), "e" * 64)
    with pytest.raises(StyleError, match="encode the style face again"):
        stage([(LABELS, foreign)])
