"""Keys: the same for the same recipe however it is spelled, and different for any other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesynth.core.errors import CacheError
from facesynth.core.refs import sha256_bytes
from facesynth.store.recipes import Recipe, canonical_json

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_values = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
_configs = st.dictionaries(st.text(), _values, max_size=5)

_RECIPE = Recipe("segment", 3, {"size": 512, "precision": "float32"}, {"parser": "a" * 64}, ("b" * 64,))


def test_the_key_is_the_sha256_of_the_canonical_json() -> None:
    """Spelled out by hand: a change here makes every cache in the world useless, so `FORMAT` would have to rise."""
    text = (
        '{"config":{"precision":"float32","size":512},"format":1,"inputs":["' + "b" * 64 + '"],"stage":"segment",'
        '"version":3,"weights":{"parser":"' + "a" * 64 + '"}}'
    )
    assert _RECIPE.key() == sha256_bytes(text.encode())


@given(_configs)
def test_order_and_sequence_type_do_not_matter(config: dict[str, object]) -> None:
    shuffled = dict(reversed(config.items()))
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    assert canonical_json(config) == canonical_json(shuffled) == canonical_json(tuples)


@given(_configs)
def test_it_reads_back_to_the_same(config: dict[str, object]) -> None:
    text = canonical_json(config)
    assert canonical_json(json.loads(text)) == text
    assert text.isascii()


@pytest.mark.parametrize(
    "other",
    [
        Recipe("align", 3, _RECIPE.config, _RECIPE.weights, _RECIPE.inputs),
        Recipe("segment", 4, _RECIPE.config, _RECIPE.weights, _RECIPE.inputs),
        Recipe("segment", 3, {"size": 513, "precision": "float32"}, _RECIPE.weights, _RECIPE.inputs),
        Recipe("segment", 3, {"size": 512.0, "precision": "float32"}, _RECIPE.weights, _RECIPE.inputs),
        Recipe("segment", 3, {"size": "512", "precision": "float32"}, _RECIPE.weights, _RECIPE.inputs),
        Recipe("segment", 3, _RECIPE.config, {"parser": "c" * 64}, _RECIPE.inputs),
        Recipe("segment", 3, _RECIPE.config, {}, _RECIPE.inputs),
        Recipe("segment", 3, _RECIPE.config, _RECIPE.weights, ("c" * 64,)),
        Recipe("segment", 3, _RECIPE.config, _RECIPE.weights, ("b" * 64, "b" * 64)),
    ],
)
def test_whatever_differs_changes_the_key(other: Recipe) -> None:
    assert other.key() != _RECIPE.key()


def test_true_and_one_are_not_the_same() -> None:
    assert canonical_json({"a": True}) != canonical_json({"a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes", {1}, {1: "a"}, [{"a": {2: 3}}]])
def test_what_json_would_bend_is_refused(value: object) -> None:
    with pytest.raises(CacheError, match=r"cache key|not a string"):
        Recipe("segment", 1, {"option": value}, {}).key()


def test_the_error_names_the_option() -> None:
    with pytest.raises(CacheError, match=r"recipe\.config\.crop\.scale: nan cannot be part of a cache key"):
        Recipe("segment", 1, {"crop": {"scale": float("nan")}}, {}).key()
