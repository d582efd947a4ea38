"""Mean distances between pictures of one label map."""

from __future__ import annotations

import pytest

from facesynth.metrics.diversity import mean_pairwise


def test_every_pair_counts_once_in_whichever_order() -> None:
    assert mean_pairwise({(0, 1): 1.0, (2, 0): 2.0, (1, 2): 6.0}) == pytest.approx(3)
    assert mean_pairwise({("a", "b"): 0.5}) == 0.5


@pytest.mark.parametrize(
    ("distances", "said"),
    [
        ({}, "no mean"),
        ({(0, 0): 0.0}, "itself"),
        ({(0, 1): 1.0, (1, 0): 1.0}, "twice"),
        ({(0, 1): 1.0, (1, 2): 1.0}, "1 of the pairs of 3 pictures"),
        ({(0, 1): float("nan")}, "not finite"),
    ],
)
def test_sets_of_pairs_that_are_not_whole(distances: dict[tuple[int, int], float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mean_pairwise(distances)
