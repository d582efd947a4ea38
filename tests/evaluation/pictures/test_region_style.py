"""Styles of label regions: the colours of CIELAB, contrasts, and what no region has."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.pictures.region_style import LookDistance, RegionTotals, look_of


def halves(left: tuple[int, int, int], right: tuple[int, int, int], side: int = 32) -> Photo:
    pixels = np.empty((side, side, 3), dtype=np.uint8)
    pixels[:, : side // 2], pixels[:, side // 2 :] = left, right
    return Photo(pixels)


def labelled(side: int = 32) -> LabelMap:
    ids = np.full((side, side), Label.SKIN, dtype=np.uint8)
    ids[:, side // 2 :] = Label.HAIR
    return LabelMap(ids)


def test_mean_colours_are_those_of_cielab() -> None:
    """White is (100, 0, 0); sRGB's red is L* 53.24, a* 80.09, b* 67.20 (D65)."""
    look = look_of(halves((255, 255, 255), (255, 0, 0)), labelled())
    assert look.colours[Label.SKIN] == pytest.approx((100, 0, 0), abs=0.05)
    assert look.colours[Label.HAIR] == pytest.approx((53.24, 80.09, 67.20), abs=0.05)
    assert np.isnan(look.colours[Label.HAT]).all() and np.isnan(look.contrasts[Label.HAT])


def test_only_the_region_that_changed_is_far() -> None:
    plain, changed = halves((200, 150, 120), (40, 30, 20)), halves((200, 150, 120), (120, 90, 60))
    apart = LookDistance.between(look_of(plain, labelled()), look_of(changed, labelled()))
    assert apart.colours[Label.SKIN] == 0 and apart.colours[Label.HAIR] > 20
    assert apart.colour == pytest.approx(apart.colours[Label.HAIR] / 2) and apart.contrast == 0
    same = LookDistance.between(look_of(plain, labelled()), look_of(plain, labelled()))
    assert same.colour == same.contrast == 0


def test_contrast_is_the_mean_step_of_lightness_inside_a_region() -> None:
    """Stripes of black and white, a pixel wide, step by 100 across and by 0 along; regions' borders do not count."""
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[:, 1:16:2] = 255
    striped = look_of(Photo(pixels), labelled())
    across, along = 15 * 32, 16 * 31
    assert striped.contrasts[Label.SKIN] == pytest.approx(100 * across / (across + along), abs=0.01)
    assert striped.contrasts[Label.HAIR] == 0


def test_regions_of_a_few_pixels_have_no_style() -> None:
    ids = np.zeros((32, 32), dtype=np.uint8)
    ids[:3, :5], ids[10:14, :4] = Label.L_EYE, Label.R_EYE
    look = look_of(halves((9, 9, 9), (9, 9, 9)), LabelMap(ids))
    assert np.isnan(look.colours[Label.L_EYE]).all() and not np.isnan(look.colours[Label.R_EYE]).any()


def test_looks_without_a_common_region_have_no_distance() -> None:
    skin = look_of(halves((9, 9, 9), (9, 9, 9)), LabelMap(np.full((32, 32), Label.SKIN)))
    hair = look_of(halves((9, 9, 9), (9, 9, 9)), LabelMap(np.full((32, 32), Label.HAIR)))
    apart = LookDistance.between(skin, hair)
    assert apart.colour is None and apart.contrast is None
    totals = RegionTotals()
    totals.add(apart)
    assert totals.means() == {}


def test_the_label_map_is_scaled_to_the_picture() -> None:
    small, large = (look_of(halves((200, 150, 120), (40, 30, 20), side), labelled(64)) for side in (32, 64))
    assert np.allclose(small.colours, large.colours, equal_nan=True)
