from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from facesynth.core.errors import StyleError
from facesynth.core.styles import MAX_SEED, CodeSource, SeedSource, Source, Style

ENCODER, OTHER = "0" * 63 + "a", "b" * 64
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
seeds = st.integers(0, MAX_SEED).map(Style.from_seed)
faces = arrays.arrays(np.float32, 4, elements=floats).map(lambda code: Style.from_code(code, ENCODER))
shares = st.floats(0, 1)
styles = st.recursive(seeds | faces, lambda inner: st.builds(Style.mix, inner, inner, shares), max_leaves=6)


@given(styles)
def test_json_round_trip_is_exact(style: Style) -> None:
    again = Style.from_json(style.to_json())
    assert again == style
    assert again.to_json() == style.to_json()
    assert again.digest() == style.digest()
    assert pickle.loads(pickle.dumps(style)) == style  # noqa: S301 - our own bytes


@given(arrays.arrays(np.float32, st.integers(1, 20), elements=floats))
def test_codes_keep_their_very_bits(code: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    style = Style.from_json(Style.from_code(code, ENCODER).to_json())
    (weight, source), *rest = style.components
    assert isinstance(source, CodeSource)
    assert (weight, rest, style.kind, style.encoder) == (1.0, [], "face", ENCODER)
    assert source.vector.tobytes() == code.astype("<f4").tobytes()
    with pytest.raises(ValueError, match="read-only"):
        source.vector[0] = 1


@given(st.integers(0, MAX_SEED))
def test_seeds_are_kept_to_the_last_digit(seed: int) -> None:
    style = Style.from_json(Style.from_seed(seed).to_json())
    assert style.components == ((1.0, SeedSource(seed)),)
    assert (style.kind, style.encoder) == ("seed", None)


@given(styles, styles, shares)
def test_a_mix_weighs_its_parts(a: Style, b: Style, t: float) -> None:
    mixed = Style.mix(a, b, t)
    expected: dict[Source, float] = {}
    for share, style in ((1 - t, a), (t, b)):
        for weight, source in style.components:
            expected[source] = expected.get(source, 0) + share * weight
    weights = {source: weight for weight, source in mixed.components}
    for source, weight in expected.items():
        assert weights.get(source, 0) == pytest.approx(weight, abs=1e-9)
    assert sum(weights.values()) == pytest.approx(1)


@given(styles, styles)
def test_the_ends_of_a_mix_are_the_styles_themselves(a: Style, b: Style) -> None:
    assert Style.mix(a, b, 0) == Style.mix(a, b, 0.0) == a
    assert Style.mix(a, b, 1) == Style.mix(a, b, 1.0) == b


@given(st.integers(0, MAX_SEED), shares)
def test_a_mix_with_itself_is_itself(seed: int, t: float) -> None:
    style = Style.from_seed(seed)
    assert Style.mix(style, style, t) == style


@given(styles, styles)
def test_a_mix_does_not_depend_on_the_order_of_its_parts(a: Style, b: Style) -> None:
    assert Style.mix(a, b, 0.25).digest() == Style.mix(b, a, 0.75).digest()


@given(styles, styles)
def test_different_styles_have_different_digests(a: Style, b: Style) -> None:
    assume(a != b)
    assert a.digest() != b.digest()


def test_digests_stay_as_they_are() -> None:
    """A cache key hangs on them: when this fails, the format needs another number."""
    style = Style.mix(Style.from_seed(7), Style.from_code(np.array([0.5, -2.0]), ENCODER), 0.25)
    assert style.to_json() == (
        '{"components":[{"seed":7,"weight":0.75},{"code":"AAAAPwAAAMA=","encoder":"' + ENCODER + '","weight":0.25}],'
        '"format":"facesynth-style-1"}'
    )
    assert style.kind == "mix"


def test_another_generator_refuses_it() -> None:
    face = Style.from_code(np.zeros(4, np.float32), ENCODER)
    for style in (face, Style.mix(Style.from_seed(1), face, 0.3)):
        style.require(ENCODER, 4)
        for encoder, length in ((OTHER, 4), (ENCODER, 8)):
            with pytest.raises(StyleError, match="encode the style face again"):
                style.require(encoder, length)
    Style.from_seed(1).require(OTHER, 4)


def test_styles_of_two_encoders_do_not_mix() -> None:
    face = Style.from_code(np.zeros(4, np.float32), ENCODER)
    for stranger in (Style.from_code(np.ones(4, np.float32), OTHER), Style.from_code(np.ones(5, np.float32), ENCODER)):
        with pytest.raises(StyleError, match="different encoders"):
            Style.mix(face, stranger, 0.5)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.0, True, "7", None])
def test_seeds_out_of_range_are_refused(seed: Any) -> None:
    with pytest.raises(StyleError, match="from 0 to 2"):
        Style.from_seed(seed)


@pytest.mark.parametrize(
    "code", [[], [float("nan")], [float("inf")], [1e300], [[1.0, 2.0]], 1.0, np.array([1, 2]), np.array(["a"])]
)
def test_codes_that_are_no_vector_of_numbers_are_refused(code: Any) -> None:
    with pytest.raises(StyleError, match="style code"):
        Style.from_code(code, ENCODER)


@pytest.mark.parametrize("encoder", ["", "abc", "A" * 64, "g" * 64])
def test_an_encoder_is_named_by_its_sha256(encoder: str) -> None:
    with pytest.raises(StyleError, match="sha256"):
        Style.from_code([1.0], encoder)


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan"), float("inf")])
def test_mixes_lie_between(t: float) -> None:
    with pytest.raises(StyleError, match="between 0 and 1"):
        Style.mix(Style.from_seed(1), Style.from_seed(2), t)


def document(**changes: object) -> str:
    part = {"weight": 1.0, "seed": 7, **changes}
    return json.dumps({"format": "facesynth-style-1", "components": [part]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "7",
        "{}",
        '{"format": "facesynth-style-2", "components": []}',
        '{"format": "facesynth-style-1"}',
        '{"format": "facesynth-style-1", "components": []}',
        '{"format": "facesynth-style-1", "components": [7]}',
        '{"format": "facesynth-style-1", "components": [{"weight": 1}]}',
        document(seed=-1),
        document(seed="7"),
        document(weight=0.5),
        document(weight=-1),
        document(weight="much"),
        document(weight=float("nan")),
        document(extra=1),
        '{"format": "facesynth-style-1", "components": [{"weight": 0.5, "seed": 7}, {"weight": 0.5, "seed": 7}]}',
        '{"format": "facesynth-style-1", "components": [{"weight": 1, "code": "?", "encoder": "' + ENCODER + '"}]}',
        '{"format": "facesynth-style-1", "components": [{"weight": 1, "code": "AAA=", "encoder": "' + ENCODER + '"}]}',
        '{"format": "facesynth-style-1", "components": [{"weight": 1, "code": "AAAAPw==", "encoder": 7}]}',
    ],
)
def test_what_is_no_style_is_refused(text: str) -> None:
    with pytest.raises(StyleError):
        Style.from_json(text)
