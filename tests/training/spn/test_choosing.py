"""Which images a run trains on, and class ids that no network knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import ConfigError
from facesynth.datasets.image_sets import PackedImages
from facesynth.training.spn.choosing import check_ids, limited
from tests.training.spn.tiny import CLASSES, networks, spn_run


def packed(ids: list[int]) -> PackedImages:
    return PackedImages(np.zeros((len(ids), 8, 8, 3), np.uint8), np.array(ids), CLASSES, "d")


def test_class_ids_out_of_range_are_refused_before_a_network_sees_them() -> None:
    run = spn_run(Path("set"), **networks("cspn"))
    check_ids(packed([0, 2, 1]), run)
    for ids in ([0, 3], [-1, 2]):
        with pytest.raises(ConfigError, match=r"set: class ids are .* networks are told classes 0 to 2"):
            check_ids(packed(ids), run)
    check_ids(packed([0, 99]), spn_run(Path("set")))  # nobody is told them


def test_a_limit_draws_by_the_seed() -> None:
    assert limited(5, None, 0).tolist() == limited(5, 9, 0).tolist() == [0, 1, 2, 3, 4]
    few, again, others = limited(1000, 10, 0), limited(1000, 10, 0), limited(1000, 10, 1)
    assert len(set(few)) == 10 and np.array_equal(few, again) and not np.array_equal(few, others)
