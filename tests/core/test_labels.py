from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from facesynth.core.errors import LabelMapError, UsageError
from facesynth.core.labels import (
    FLIP_PAIRS,
    FLIP_TABLE,
    LABEL_NAMES,
    NUM_LABELS,
    PALETTE,
    SCHEMAS,
    STANDARD,
    Label,
    LabelMap,
    LabelSchema,
    schema_named,
)

Ids = NDArray[np.uint8]
ids_arrays = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, NUM_LABELS - 1)
)
schema_names = st.sampled_from(sorted(SCHEMAS))


def test_names_are_those_of_celebamask_hq_in_order() -> None:
    assert ", ".join(LABEL_NAMES) == (
        "background, skin, nose, eye_g, l_eye, r_eye, l_brow, r_brow, l_ear, r_ear, mouth, u_lip, l_lip, hair, hat,"
        " ear_r, neck_l, neck, cloth"
    )


def test_a_mirror_swaps_six_labels_and_no_other() -> None:
    swapped = {name: LABEL_NAMES[FLIP_TABLE[Label[name.upper()]]] for name in LABEL_NAMES}
    changed = {name: other for name, other in swapped.items() if name != other}
    assert changed == {
        "l_eye": "r_eye", "r_eye": "l_eye", "l_brow": "r_brow", "r_brow": "l_brow", "l_ear": "r_ear", "r_ear": "l_ear",
    }  # fmt: skip
    assert len(FLIP_PAIRS) == 3


@given(ids_arrays)
def test_flip_mirrors_swaps_and_is_its_own_inverse(ids: Ids) -> None:
    labels = LabelMap(ids)
    flipped = labels.flip()
    y, x = ids.shape[0] // 2, ids.shape[1] // 3
    assert flipped.ids[y, ids.shape[1] - 1 - x] == FLIP_TABLE[ids[y, x]]
    assert np.array_equal(flipped.flip().ids, ids)
    assert flipped.frequencies()[FLIP_TABLE].tolist() == labels.frequencies().tolist()


@given(ids_arrays, schema_names)
def test_schemas_convert_there_and_back(ids: Ids, schema: str) -> None:
    labels = LabelMap.from_ids(ids, schema)
    assert np.array_equal(labels.to_ids(schema), ids)
    assert np.array_equal(LabelMap.from_ids(LabelMap(ids).to_ids(schema), schema).ids, ids)


def test_schemas_are_the_published_orders() -> None:
    # id → name, from the table of orders in circulation
    published = {
        "celebamask-hq": {4: "l_eye", 12: "l_lip", 13: "hair", 15: "ear_r", 18: "cloth"},
        "zllrunning": {2: "l_brow", 6: "eye_g", 9: "ear_r", 10: "nose", 14: "neck", 16: "cloth", 18: "hat"},
        "facer": {1: "neck", 2: "skin", 4: "l_ear", 8: "l_eye", 11: "mouth", 12: "l_lip", 13: "u_lip", 18: "neck_l"},
        "segface": {3: "cloth", 6: "l_brow", 10: "nose", 11: "mouth", 14: "hair", 15: "eye_g", 17: "ear_r"},
    }
    assert set(SCHEMAS) == set(published)
    for schema, names in published.items():
        row = np.arange(NUM_LABELS, dtype=np.uint8)[None]
        classes = LabelMap.from_ids(row, schema).ids[0]
        assert {index: LABEL_NAMES[classes[index]] for index in names} == names
        assert classes[0] == Label.BACKGROUND
    assert np.array_equal(SCHEMAS[STANDARD].to_standard, np.arange(NUM_LABELS))


def test_a_schema_names_each_label_once() -> None:
    with pytest.raises(ValueError, match="each of the 19 labels once"):
        LabelSchema("short", tuple(Label)[:-1])
    with pytest.raises(ValueError, match="each of the 19 labels once"):
        LabelSchema("twice", (*tuple(Label)[:-1], Label.SKIN))


def test_an_unknown_schema_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="zllrunning") as caught:
        schema_named("lapa")
    assert "'lapa'" in caught.value.what
    with pytest.raises(UsageError, match="lapa"):
        LabelMap.from_ids(np.zeros((1, 1), np.uint8), "lapa")


@given(ids_arrays, st.sampled_from([19, 20, 100, 255, -1, 256, 70_000]), st.data())
def test_any_wrong_value_is_named_with_its_pixel(ids: Ids, value: int, data: st.DataObject) -> None:
    y = data.draw(st.integers(0, ids.shape[0] - 1))
    x = data.draw(st.integers(0, ids.shape[1] - 1))
    wrong: NDArray[Any] = ids.astype(np.int64)
    wrong[y, x] = value
    with pytest.raises(LabelMapError, match=rf"pixel \(x={x}, y={y}\) holds {value}, labels are 0 to 18"):
        LabelMap(wrong)


@pytest.mark.parametrize(
    "array", [np.zeros(4, np.uint8), np.zeros((2, 2, 1), np.uint8), np.zeros((0, 3), np.uint8), np.zeros((2, 2))]
)
def test_what_is_no_map_of_integers_is_refused(array: NDArray[np.uint8]) -> None:
    with pytest.raises(LabelMapError):
        LabelMap(array)


def test_nobody_can_change_it() -> None:
    ids = np.zeros((3, 4), np.uint8)
    window = ids[:]
    window.setflags(write=False)
    maps = [LabelMap(ids), LabelMap(window), LabelMap.from_ids(ids, "facer"), LabelMap(ids).flip()]
    maps += [pickle.loads(pickle.dumps(LabelMap(ids)))]  # noqa: S301 - our own bytes
    ids[:] = 255
    for labels in maps:
        assert labels.ids.max() == 0
        assert labels.ids.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            labels.ids[0, 0] = 255


@given(ids_arrays, st.integers(1, 40), st.integers(1, 40))
def test_resizing_invents_no_label(ids: Ids, width: int, height: int) -> None:
    resized = LabelMap(ids).resized(width, height)
    assert (resized.width, resized.height) == (width, height)
    assert set(np.unique(resized.ids)) <= set(np.unique(ids))
    # as often as wanted, whole multiples come back
    double = LabelMap(ids).resized(ids.shape[1] * 2, ids.shape[0] * 2)
    assert np.array_equal(double.ids, ids.repeat(2, axis=0).repeat(2, axis=1))
    assert np.array_equal(double.resized(ids.shape[1], ids.shape[0]).ids, ids)


@given(ids_arrays, st.integers(1, 40), st.integers(1, 40))
def test_resizing_and_flipping_commute_when_centres_do_not_tie(ids: Ids, width: int, height: int) -> None:
    columns = (np.arange(width) + 0.5) * ids.shape[1] / width
    if (columns == columns.astype(int)).any():  # a centre on a border of two pixels: left and right differ
        width = ids.shape[1]
    one, other = LabelMap(ids).resized(width, height).flip(), LabelMap(ids).flip().resized(width, height)
    assert np.array_equal(one.ids, other.ids)


def test_palette_colours_are_nineteen_and_far_enough_apart() -> None:
    assert PALETTE.shape == (NUM_LABELS, 3)
    distances = [np.abs(PALETTE[a].astype(int) - PALETTE[b]).max() for a, b in itertools.combinations(range(19), 2)]
    assert min(distances) >= 50
    assert PALETTE[Label.SKIN].tolist() == [204, 0, 0]
    assert PALETTE[Label.HAIR].tolist() == [0, 0, 204]
    for table in (PALETTE, FLIP_TABLE):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 1


@given(ids_arrays)
def test_colours_are_the_palettes(ids: Ids) -> None:
    colours = LabelMap(ids).colours()
    assert colours.shape == (*ids.shape, 3)
    assert (colours == PALETTE[ids]).all()
