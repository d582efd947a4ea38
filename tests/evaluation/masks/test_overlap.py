"""Masks that are planted: those that follow regions are found out, those that do not are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facesynth.evaluation.masks.overlap import (
    ChannelScores,
    Halves,
    against_chance,
    aligned,
    average_iou,
    constant_iou,
    iou,
    polarity,
    score_channels,
)

SIDE, COUNT = 16, 40


def discs(seed: int) -> NDArray[np.bool_]:
    """A disc a picture, of a place and size of its own."""
    draw = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    place = draw.uniform(5, 11, (COUNT, 2))
    radius = draw.uniform(3, 5, COUNT)
    found: NDArray[np.bool_] = np.stack([np.hypot(x - a, y - b) < r for (a, b), r in zip(place, radius, strict=True)])
    return found


def planted(regions: NDArray[np.bool_], seed: int) -> NDArray[np.float16]:
    """Five channels: noise; the region at 0.1 and 0.3; its opposite; constant; another picture's region."""
    noise = np.random.default_rng(seed).random(regions.shape)
    inside = regions.astype(float)
    others = np.roll(inside, 1, axis=0)
    return np.stack([noise, 0.1 + 0.2 * inside, 0.9 - 0.8 * inside, np.full_like(noise, 0.7), others], 1).astype(
        np.float16
    )


REGIONS = discs(0)
MASKS = planted(REGIONS, 1)
HALVES = Halves.of(REGIONS)
assert HALVES is not None
SCORES = score_channels(MASKS, REGIONS, HALVES)


def test_masks_that_are_the_region_fit_wholly_whichever_side_is_one() -> None:
    assert SCORES.flipped.tolist()[1:3] == [False, True]
    assert SCORES.scored_best[1] == 1 and SCORES.scored_best[2] == 1 == SCORES.scored_half[2]
    assert SCORES.scored_half[1] == 0  # it never reaches 0.5
    assert 0.09 < SCORES.threshold[1] < 0.3


def test_the_order_of_channels_and_their_polarity_have_no_say() -> None:
    turned = score_channels((1 - MASKS[:, ::-1]).astype(np.float16), REGIONS, HALVES)  # type: ignore[arg-type]
    np.testing.assert_allclose(turned.scored_best[::-1][:3], SCORES.scored_best[:3], atol=0.02)
    assert turned.flipped.tolist()[::-1][1:3] == [True, False]


def test_nothing_of_the_scoring_half_has_a_say_in_what_is_chosen() -> None:
    assert HALVES is not None and not set(HALVES.choosing) & set(HALVES.scoring)
    masks, regions = MASKS.copy(), REGIONS.copy()
    masks[HALVES.scoring] = np.random.default_rng(5).random(masks[HALVES.scoring].shape)
    regions[HALVES.scoring] = ~regions[HALVES.scoring]
    other = score_channels(masks, regions, HALVES)
    for name in ("flipped", "threshold", "chosen_half", "chosen_best"):
        np.testing.assert_array_equal(getattr(other, name), getattr(SCORES, name))


def test_chance_is_what_other_pictures_masks_get() -> None:
    own = against_chance(REGIONS, REGIONS)
    pairs = [iou(REGIONS[i : i + 1], REGIONS[j : j + 1])[0] for i in range(COUNT) for j in range(COUNT) if i != j]
    assert own.own == 1 and own.others == pytest.approx(np.mean(pairs)) and own.beyond_chance and own.wins == 1
    rolled = against_chance(np.roll(REGIONS, 1, axis=0), REGIONS)
    assert not rolled.beyond_chance and abs(rolled.difference) < 4 * rolled.error


def test_masks_without_any_say_are_rarely_taken_for_more_than_chance() -> None:
    """Two standard errors, one-sided: about one in forty."""
    found = [against_chance(discs(seed), discs(seed + 1000)).beyond_chance for seed in range(100)]
    assert sum(found) <= 10


def test_constant_masks_and_fixed_ones() -> None:
    ones = np.ones_like(REGIONS)
    assert constant_iou(REGIONS) == pytest.approx(iou(ones, REGIONS).mean())
    same = np.broadcast_to(REGIONS[:1], REGIONS.shape)
    assert HALVES is not None and average_iou(same, HALVES) == 1 > average_iou(REGIONS, HALVES) > constant_iou(REGIONS)
    empty = np.zeros_like(REGIONS)
    assert not iou(empty, empty).any() and not iou(empty, REGIONS).any()


def test_polarity_is_of_the_mean_inside_and_outside() -> None:
    flipped = polarity(MASKS, REGIONS)
    assert flipped.tolist()[1:3] == [False, True]
    turned = aligned(MASKS, flipped)
    assert turned.dtype == np.float16 and np.allclose(turned[:, 2], 1 - MASKS[:, 2])
    assert not polarity(turned, REGIONS)[1:3].any()


def test_pictures_that_hardly_show_the_region_are_no_part_of_a_half() -> None:
    specks = REGIONS.copy()
    specks[::2] = False
    specks[::2, 0, 0] = True  # 1 of 256 pixels
    halves = Halves.of(specks)
    assert halves is not None and sorted([*halves.choosing, *halves.scoring]) == list(range(1, COUNT, 2))
    specks[7:] = False
    assert Halves.of(specks) is None


def test_portions_of_channels_are_joined_in_order() -> None:
    assert HALVES is not None
    parts = [score_channels(MASKS[:, :2], REGIONS, HALVES), score_channels(MASKS[:, 2:], REGIONS, HALVES)]
    joined = ChannelScores.joined(parts)
    np.testing.assert_array_equal(joined.scored_best, SCORES.scored_best)
    np.testing.assert_array_equal(joined.flipped, SCORES.flipped)
