"""Label maps that no face has: what any code that reads label maps pixel by pixel has to get right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.drawn_pairs import drawn_labels

KINDS = ("face", "uniform", "noise", "two labels", "stripes", "dots", "frame", "lines", "every label")


def odd_ids(kind: str, side: int, labels: int = 19) -> NDArray[np.uint8]:
    """side×side ids of one of KINDS, the same each time."""
    random = np.random.default_rng([side, KINDS.index(kind)])
    ids = np.zeros((side, side), dtype=np.uint8)
    match kind:
        case "face":
            ids = np.array(drawn_labels(1, side).ids)
        case "uniform":
            ids[:] = labels - 1
        case "noise":
            ids = random.integers(0, labels, ids.shape, dtype=np.uint8)
        case "two labels":
            ids = random.choice(np.array([3, labels - 1], dtype=np.uint8), ids.shape)
        case "stripes":
            ids[:, ::2] = 5
            ids[:: max(1, side // 2)] = 7
        case "dots":  # one pixel each, in corners, at borders and inside
            ids[[0, 0, -1, -1, 0, side // 2, side // 2], [0, -1, 0, -1, side // 2, 0, side // 2]] = [
                1,
                2,
                3,
                4,
                5,
                6,
                7,
            ]
        case "frame":
            ids[[0, -1]], ids[:, [0, -1]] = 9, 9
        case "lines":  # regions one pixel wide
            np.fill_diagonal(ids, 11)
            ids[side // 3], ids[:, side // 3] = 12, 13
        case "every label":
            ids = (np.arange(side * side) * labels // (side * side)).astype(np.uint8).reshape(side, side)
    return ids
