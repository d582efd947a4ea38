"""The working size of detectors."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.images import Photo
from facesynth.inference.landmarks.detection import at_working_size


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 50), (300, 150)), ((400, 30), (400, 30)), ((30, 900), (15, 450))]
)
def test_the_working_copy_keeps_its_proportions_and_its_way_back(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    copy, to_photo = at_working_size(Photo(np.zeros((size[1], size[0], 3), dtype=np.uint8)), 300, 450)
    assert copy.size == expected
    corners = to_photo.apply(np.array([(-0.5, -0.5), (copy.width - 0.5, copy.height - 0.5)]))
    np.testing.assert_allclose(corners, [(-0.5, -0.5), (size[0] - 0.5, size[1] - 0.5)], atol=1e-9)
