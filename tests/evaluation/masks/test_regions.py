"""Parsed regions at the resolution of a layer."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.masks.regions import MAIN, REGIONS, REGIONS_TOLD, centre, region_at


def test_a_cell_is_of_a_region_where_more_than_half_of_it_is() -> None:
    ids = np.zeros((8, 8), dtype=np.uint8)
    ids[0, :4] = ids[1, 0] = Label.HAIR  # 5 of 16 pixels of the first cell
    ids[4:6, :4] = Label.HAIR  # 8 of 16: half is not more than half
    ids[4:6, 4:] = ids[6, 4] = Label.HAIR  # 9 of 16
    assert region_at(LabelMap(ids), REGIONS["hair"], 2).tolist() == [[False, False], [False, True]]
    assert np.array_equal(region_at(LabelMap(ids), REGIONS["hair"], 8), ids == Label.HAIR)
    with pytest.raises(ValueError, match="equal cells"):
        region_at(LabelMap(ids), REGIONS["hair"], 3)


def test_the_regions_are_what_is_told_of_them() -> None:
    assert set(REGIONS) == set(REGIONS_TOLD) and frozenset(Label) - REGIONS[MAIN] == {Label.BACKGROUND, Label.CLOTH}
    assert REGIONS["skin"] < REGIONS["face"] < REGIONS[MAIN] and REGIONS["hair"] < REGIONS[MAIN]
    assert not REGIONS["face"] & {Label.HAIR, Label.HAT, Label.NECK, Label.EAR_R, Label.NECK_L}
    assert {Label.L_EYE, Label.NOSE, Label.U_LIP, Label.L_EAR, Label.EYE_G} <= REGIONS["face"]


def test_the_middle_is_a_disc() -> None:
    disc = centre(64)
    assert disc[32, 32] and not disc[0, 0] and np.array_equal(disc, disc.T) and np.array_equal(disc, disc[::-1])
    assert 0.3 < disc.mean() < 0.45
