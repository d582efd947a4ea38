"""Numbers as colours, and sheets of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.evaluation.masks import sheets
from facesynth.evaluation.masks.colours import diverging, grey, mask_range, reach_of
from facesynth.evaluation.masks.sheets import CELL, layer_sheet, overview_sheet
from facesynth.evaluation.masks.survey import LayerSurvey, Seen, survey
from facesynth.inference.mask_reading import LayerFields, masked_layers, read_fields
from facesynth.inference.sampler import Sampler
from tests.tiny_generators import tiny_generator, tiny_spec

SEEDS = (0, 1, 2)


def test_greys_go_from_low_to_high_and_pixels_stay_square() -> None:
    shown = grey(np.array([[0.0, 0.2], [0.6, 1.0]]), 0.2, 0.6, 8).pixels
    assert shown.shape == (8, 8, 3)
    assert [int(shown[y, x, 0]) for y in (3, 4) for x in (3, 4)] == [0, 0, 255, 255]
    assert int(grey(np.array([[0.4]]), 0.2, 0.6, 1).pixels[0, 0, 0]) == 128


def test_what_diverges_is_near_white_at_0_and_as_strong_on_both_sides() -> None:
    shown = diverging(np.array([[-9.0, -0.5, 0.0, 0.5, 9.0]]), 1.0, 5).pixels[0].astype(int)
    assert shown[2].min() > 240
    assert shown[0][2] > shown[0][0] and shown[4][0] > shown[4][2]  # blue below, red above
    strength = np.abs(shown - shown[2]).sum(1)
    assert strength[0] > strength[1] > 0 and strength[4] > strength[3] > 0


def test_ranges_hold_nearly_all_values() -> None:
    draw = np.random.default_rng(0)
    masks, signed = draw.uniform(0.2, 0.7, 10_000), draw.normal(0, 0.3, 10_000)
    low, high = mask_range(masks)
    assert ((masks >= low) & (masks <= high)).mean() > 0.985 and 0.19 <= low < high <= 0.71
    assert (np.abs(signed) <= 1.05 * reach_of(signed)).mean() > 0.985
    assert reach_of(np.zeros(5)) == 1.0


@pytest.fixture(scope="module")
def layer() -> tuple[LayerSurvey, LayerFields, list[Photo]]:
    spec = tiny_spec()
    sampler = Sampler(tiny_generator(spec), spec, device="cpu")
    [found] = survey(Seen(sampler, SEEDS), masked_layers(sampler)[-1:])
    fields = read_fields(sampler, SEEDS, None, {found.layer.name: [2, 0]})[found.layer.name]
    return found, fields, sampler(SEEDS)


class Laid:
    """What a sheet was laid out of."""

    rows: Sequence[Sequence[Photo]] = ()
    titles: Sequence[str] = ()


def cells(monkeypatch: pytest.MonkeyPatch) -> Laid:
    """What the next sheet will be laid out of."""
    seen = Laid()

    def laid_out(rows: Sequence[Sequence[Photo]], titles: Sequence[str], seeds: object) -> Photo:
        seen.rows, seen.titles = rows, titles
        return rows[0][0]

    monkeypatch.setattr(sheets, "_sheet", laid_out)
    return seen


def test_a_layers_sheet_has_masks_turned_over_and_then_gamma_and_beta(
    layer: tuple[LayerSurvey, LayerFields, list[Photo]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, fields, pictures = layer
    turned = dataclasses.replace(found, flipped=np.array([False, False, True, False]))
    seen = cells(monkeypatch)
    layer_sheet(turned, [2, 0], fields, pictures, SEEDS)
    assert seen.titles == ["picture", "1-m 2", "m 0", "gamma 2", "gamma 0", "beta 2", "beta 0"]
    low, high = mask_range(np.stack([1 - fields.mask[:, 0], fields.mask[:, 1]], 1))
    assert np.array_equal(seen.rows[1][1].pixels, grey(1 - fields.mask[1, 0], low, high, CELL).pixels)
    assert np.array_equal(seen.rows[1][2].pixels, grey(fields.mask[1, 1], low, high, CELL).pixels)
    reach = reach_of(fields.gamma)
    assert np.array_equal(seen.rows[2][3].pixels, diverging(fields.gamma[2, 0], reach, CELL).pixels)
    assert np.array_equal(seen.rows[2][6].pixels, diverging(fields.beta[2, 1], reach_of(fields.beta), CELL).pixels)


def test_the_overview_has_each_mask_and_what_is_left_and_what_was_parsed(
    layer: tuple[LayerSurvey, LayerFields, list[Photo]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, fields, pictures = layer
    seen = cells(monkeypatch)
    labels = [LabelMap(np.full((16, 16), 13, dtype=np.uint8))] * 3
    overview_sheet(found, [2, 0], fields, pictures, SEEDS, labels)
    assert seen.titles == ["picture", "parsed", "m 2", "1-m 2", "m 0", "1-m 0"]
    for row in seen.rows:
        assert {tuple(pixel) for pixel in row[1].pixels.reshape(-1, 3).tolist()} == {tuple(labels[0].colours()[0, 0])}
        one, rest = (row[place].pixels[..., 0].astype(int) for place in (2, 3))
        assert np.abs(one + rest - 255).max() <= 1
    overview_sheet(found, [2, 0], fields, pictures, SEEDS, None)
    assert seen.titles[1] == "m 2"


def test_sheets_carry_a_legend(layer: tuple[LayerSurvey, LayerFields, list[Photo]]) -> None:
    found, fields, pictures = layer
    sheet = layer_sheet(found, [2, 0], fields, pictures, SEEDS)
    overview = overview_sheet(found, [2, 0], fields, pictures, SEEDS, None)
    for whole, columns in ((sheet, 7), (overview, 5)):
        assert whole.width >= columns * CELL and whole.height > 3 * CELL + 30
        below = whole.pixels[-(whole.height - 3 * (CELL + 4)) // 2 :]
        assert below.min() < 40 and len(np.unique(below)) > 20  # bars and letters
