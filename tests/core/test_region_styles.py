"""Styles of regions as values: read, stored, mixed, combined, and refused where they do not belong."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesynth.core.errors import StyleError, UsageError
from facesynth.core.labels import Label
from facesynth.core.regions import REGIONS, region_named
from facesynth.core.styles import RegionsSource, SeedSource, Style

ENCODER, OTHER = "a" * 64, "b" * 64
floats = st.floats(-100, 100, width=32)
codes = st.lists(floats, min_size=3, max_size=3).map(lambda code: np.array(code, dtype=np.float32))
labels = st.sampled_from(list(Label))
faces = st.dictionaries(labels, codes, max_size=6).map(lambda vectors: Style.from_regions(vectors, ENCODER))
seeds = st.integers(0, 100).map(Style.from_seed)
shares = st.floats(0, 1)


def combined(base: Style, other: Style, label: Label) -> Style:
    return base.with_regions([label], other) if other.knows(label) else base


styles = st.recursive(
    seeds | faces,
    lambda inner: st.builds(Style.mix, inner, inner, shares) | st.builds(combined, inner, inner, labels),
    max_leaves=5,
)


def face(*shown: Label, value: float = 1.0, encoder: str = ENCODER) -> Style:
    return Style.from_regions({label: np.full(3, value + label, dtype=np.float32) for label in shown}, encoder)


def says(style: Style, label: Label) -> dict[object, float]:
    """The weights of what a style says of a region, by source."""
    return {source: weight for weight, source in style.of_region(label)}


@given(styles)
def test_json_round_trip_is_exact(style: Style) -> None:
    again = Style.from_json(style.to_json())
    assert again == style and again.to_json() == style.to_json() and again.digest() == style.digest()
    assert pickle.loads(pickle.dumps(style)) == style  # noqa: S301 - our own bytes


@given(st.dictionaries(labels, codes))
def test_codes_keep_their_very_bits(vectors: Mapping[Label, NDArray[np.float32]]) -> None:
    style = Style.from_json(Style.from_regions(vectors, ENCODER).to_json())
    ((weight, source),) = style.components
    assert isinstance(source, RegionsSource)
    assert (weight, style.kind, style.encoder) == (1.0, "face", ENCODER)
    assert source.vectors.keys() == vectors.keys()
    assert all(source.vectors[label].tobytes() == vectors[label].tobytes() for label in vectors)
    assert all(style.knows(label) == (label in vectors) for label in Label)


@given(styles, styles, shares, labels)
def test_mixes_are_made_region_by_region(a: Style, b: Style, t: float, label: Label) -> None:
    mixed, expected = says(Style.mix(a, b, t), label), dict[object, float]()
    for share, style in ((1 - t, a), (t, b)):
        for source, weight in says(style, label).items():
            expected[source] = expected.get(source, 0) + share * weight
    assert all(mixed.get(source, 0) == pytest.approx(weight, abs=1e-6) for source, weight in expected.items())
    assert sum(mixed.values()) == pytest.approx(1)


@given(styles, faces, labels, labels)
def test_a_region_of_another_style_changes_that_region_alone(
    base: Style, other: Style, label: Label, elsewhere: Label
) -> None:
    changed = combined(base, other, label)
    assert says(changed, elsewhere) == says(other if elsewhere == label and other.knows(label) else base, elsewhere)


def test_hair_of_one_and_skin_of_another() -> None:
    own, hair, skin = face(Label.HAIR, Label.SKIN), face(Label.HAIR, value=50), face(Label.SKIN, value=70)
    style = own.with_regions([Label.HAIR], hair).with_regions([Label.SKIN], skin)
    assert style == own.with_regions([Label.SKIN], skin).with_regions([Label.HAIR], hair)
    assert says(style, Label.HAIR) == says(hair, Label.HAIR) and says(style, Label.SKIN) == says(skin, Label.SKIN)
    assert style.kind == "regions" and own.kind == "face"
    assert style.with_regions([Label.HAIR, Label.SKIN], own) == own  # and back again
    assert says(own.with_regions([Label.NOSE], Style.from_seed(3)), Label.NOSE) == {SeedSource(3): 1.0}


def test_a_region_does_not_depend_on_the_rest_of_the_face_that_it_is_of() -> None:
    own = face(Label.HAIR, Label.SKIN)
    one, other = face(Label.HAIR, Label.NECK, value=50), face(Label.HAIR, Label.HAT, value=50)
    assert own.with_regions([Label.HAIR], one).digest() == own.with_regions([Label.HAIR], other).digest()


def test_what_the_other_face_does_not_show_stays() -> None:
    own, other = face(Label.SKIN, Label.NOSE), face(Label.SKIN, value=50)
    style = own.with_regions([Label.SKIN, Label.NOSE], other)
    assert says(style, Label.NOSE) == says(own, Label.NOSE) and says(style, Label.SKIN) == says(other, Label.SKIN)
    with pytest.raises(StyleError, match="knows nothing of hat, ear_r; take it from a face that shows it"):
        own.with_regions([Label.HAT, Label.EAR_R], other)


def test_the_average_knows_nothing_and_mixes_keep_its_share() -> None:
    nobody, someone = Style.from_regions({}, ENCODER), face(Label.HAIR)
    assert not any(nobody.knows(label) for label in Label)
    halfway = Style.mix(someone, nobody, 0.25)
    assert halfway.knows(Label.HAIR) and not halfway.knows(Label.SKIN)
    assert sorted(says(halfway, Label.HAIR).values()) == [0.25, 0.75]
    assert Style.from_json(nobody.to_json()) == nobody


def test_the_middle_is_of_the_same_encoder() -> None:
    whole = Style.from_code(-np.ones(3, dtype=np.float32), ENCODER)
    assert Style.mix(Style.from_seed(1), whole, 0.5).middle() == Style.from_code(np.zeros(3), ENCODER)
    nobody = Style.from_regions({}, ENCODER)
    assert Style.from_seed(1).with_regions([Label.HAIR], face(Label.HAIR)).middle() == nobody == nobody.middle()
    with pytest.raises(StyleError, match="has no encoder"):
        Style.from_seed(1).middle()


def test_the_format_stays_as_it_is() -> None:
    """A cache key hangs on it: when this fails, the format needs another number."""
    own = Style.from_regions({Label.HAIR: np.array([0.5, -2.0])}, ENCODER)
    source = '{"codes":{"hair":"AAAAPwAAAMA="},"encoder":"' + ENCODER + '","weight":1.0}'
    assert own.to_json() == '{"components":[' + source + '],"format":"facesynth-style-2","regions":{}}'
    assert own.with_regions([Label.L_EYE], Style.from_seed(7)).to_json() == (
        '{"components":[' + source + '],"format":"facesynth-style-2","regions":{"l_eye":[{"seed":7,"weight":1.0}]}}'
    )


def test_only_the_encoder_that_read_it_may_use_it() -> None:
    style = face(Label.HAIR).with_regions([Label.SKIN], Style.from_seed(1))
    style.require(ENCODER, 3, regions=True)
    Style.from_regions({}, ENCODER).require(ENCODER, 3, regions=True)
    for encoder, length in ((OTHER, 3), (ENCODER, 4)):
        with pytest.raises(StyleError, match="encode the style face again"):
            style.require(encoder, length, regions=True)
    with pytest.raises(StyleError, match="has one style for the whole face"):
        style.require(ENCODER, 3)
    with pytest.raises(StyleError, match="has one style for the whole face"):
        Style.from_seed(1).with_regions([Label.HAIR], Style.from_seed(2)).require(ENCODER, 3)
    whole = Style.from_code(np.zeros(3, dtype=np.float32), ENCODER)
    with pytest.raises(StyleError, match="is of a whole face"):
        whole.require(ENCODER, 3, regions=True)
    Style.from_seed(1).require(ENCODER, 3, regions=True)


def test_styles_that_do_not_belong_together_are_refused() -> None:
    whole = Style.from_code(np.zeros(3, dtype=np.float32), ENCODER)
    for stranger in (face(Label.HAIR, encoder=OTHER), whole):
        with pytest.raises(StyleError, match="different encoders"):
            Style.mix(face(Label.HAIR), stranger, 0.5)
    longer = Style.from_regions({Label.HAIR: np.zeros(4, dtype=np.float32)}, ENCODER)
    with pytest.raises(StyleError, match="different encoders"):
        face(Label.SKIN).with_regions([Label.HAIR], longer)
    with pytest.raises(StyleError, match="of a whole face has no regions"):
        whole.with_regions([Label.HAIR], Style.from_seed(1))
    with pytest.raises(StyleError, match="of one length"):
        Style.from_regions({Label.HAIR: [1.0], Label.SKIN: [1.0, 2.0]}, ENCODER)
    with pytest.raises(StyleError, match="finite"):
        Style.from_regions({Label.HAIR: [float("nan")]}, ENCODER)
    with pytest.raises(StyleError, match="named by the sha256"):
        Style.from_regions({}, "me")
    with pytest.raises(StyleError, match="one sum of sources"):
        Style(Style.from_seed(1).components, ((Label.HAIR, Style.from_seed(2).components),) * 2)


@pytest.mark.parametrize(
    "text",
    [
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "seed": 7}]}',
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "seed": 7}], "regions": []}',
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "seed": 7}], "regions": {"hare": []}}',
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "seed": 7}], "regions": {"hair": []}}',
        '{"format": "facesynth-style-2", "components": [{"seed": 7}], "regions": {}}',
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "codes": [], "encoder": "%s"}], "regions": {}}',
        '{"format": "facesynth-style-2", "components": [{"weight": 1, "codes": {"hair": "?"}, "encoder": "%s"}],'
        ' "regions": {}}',
        '{"format": "facesynth-style-3", "components": [{"weight": 1, "seed": 7}], "regions": {}}',
    ],
)
def test_what_is_no_style_is_refused(text: str) -> None:
    with pytest.raises(StyleError):
        Style.from_json(text.replace("%s", ENCODER))


def test_regions_have_names() -> None:
    assert region_named("hair") == (Label.HAIR,)
    assert set(region_named("skin")) > {Label.SKIN, Label.NOSE}
    assert {label for labels in REGIONS.values() for label in labels} == set(Label)
    with pytest.raises(UsageError, match=r"unknown region 'hare'; use one of: background, .*hair.*lips"):
        region_named("hare")
