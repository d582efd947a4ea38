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
    Label.SKIN: [-0.037, -0.809, 0.074, -0.088],
    Label.HAIR: [-0.261, -1.42, 0.297, -0.803],
    Label.BACKGROUND: [0.099, -0.131, 0.074, -0.206],
}
ROUGHNESS = 3.284
"""Mean difference of neighbours, in grey levels: less without noise."""
THUMBNAIL = [
    [136.7, 135.3, 136.7, 106.3],
    [143.2, 138.4, 139.7, 126.9],
    [70.5, 135.2, 142.6, 94.7],
    [48.9, 69.3, 75.4, 87.5],
]
CHANGED = "the result changed: raise the stage's version, then record it anew"


def test_encode_regions_version_1() -> None:
    (style,) = EncodeRegionsStage(device="cpu")([(Face.from_aligned(drawn_face(LABELS, 0)), LABELS)])
    assert isinstance(style, Style)
    ((_, source),) = style.components
    assert isinstance(source, RegionsSource)
    assert (EncodeRegionsStage.version, default_name("generator")) == (1, "generator-spade-256-v1")
    for label, expected in READ.items():
        assert source.vectors[label][:4] == pytest.approx(expected, abs=0.03), CHANGED


def test_synthesize_version_4() -> None:
    stage = SynthesizeStage(device="cpu")
    codes = {label: np.linspace(-1, 1, 64, dtype=np.float32) for label in (Label.SKIN, Label.HAIR)}
    style = Style.from_regions(codes, stage.weights["generator"])
    picture, of_face = stage([(LABELS, Style.from_seed(7)), (LABELS, style)])
    assert isinstance(picture, Photo) and isinstance(of_face, Photo)
    assert (SynthesizeStage.version, default_name("generator")) == (4, "generator-spade-256-v1")
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
