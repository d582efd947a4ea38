"""The distinct neighbourhoods of a label map: what a network whose view is 5×5 labels can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Ids = NDArray[np.int64]
_REACH = 2
"""Pixels that a pattern reaches to each side."""
_FACTORS = np.random.default_rng(0).integers(-(2**63), 2**63, 9) | 1
"""Odd ones, by which nine numbers become one."""


@dataclass(frozen=True, slots=True)
class LabelPatterns:
    """The 3×3 and 5×5 neighbourhoods of a label map's pixels, each once.

    `inner`: K×9 labels, row by row, `labels` where the map ends. `outer`: P×9 rows of `inner`, one for each pixel of a
    3×3 neighbourhood, K where the map ends. `middle`: P labels, those of the patterns' own pixels. `keys`: P strings
    of bytes, by which a pattern is known in other label maps as well: its 25 labels as uint16, row by row. `index`: for
    each of H·W pixels its row of `outer`.
    """

    inner: _Ids
    outer: _Ids
    middle: _Ids
    keys: tuple[bytes, ...]
    index: _Ids


def label_patterns(ids: NDArray[np.uint8], labels: int, *, most: int | None = None) -> LabelPatterns | None:
    """The patterns of an H×W label map with ids below `labels`. Exact: no two are taken for one.

    None where it has more than `most` 3×3 ones, beside those of one label alone.
    """
    whole = ids.astype(np.int64)
    inner, within = _neighbourhoods(whole, labels)
    if most is not None and len(inner) - labels > most:
        return None
    outer, index = _neighbourhoods(within, len(inner))
    seen, first, index = _seen(index.reshape(-1), len(outer))
    outer = outer[seen]
    used, _, renumbered = _seen(outer.reshape(-1), len(inner) + 1)
    used = used[used < len(inner)]  # the number of what lies outside is the highest, and stays so
    return LabelPatterns(
        inner[used], renumbered.reshape(outer.shape), whole.reshape(-1)[first], _keys(whole, labels, first), index
    )


def _seen(numbers: _Ids, count: int) -> tuple[_Ids, _Ids, _Ids]:
    """Of numbers below `count`: those that are there, in order, where each is first, and which of them each is."""
    first = np.full(count, -1)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    there = first >= 0
    seen = np.flatnonzero(there)
    return seen, first[seen], (np.cumsum(there) - 1)[numbers]


def _keys(ids: _Ids, labels: int, pixels: _Ids) -> tuple[bytes, ...]:
    """The 25 labels around each of some pixels of H×W ids, as bytes."""
    framed = np.pad(ids.astype(np.uint16), _REACH, constant_values=labels)
    wide, reach = framed.shape[1], np.arange(2 * _REACH + 1)
    y, x = np.divmod(pixels, ids.shape[1])
    around = framed.reshape(-1)[(y * wide + x)[:, None] + (reach[:, None] * wide + reach).reshape(-1)]
    return tuple(around.view(f"V{around.itemsize * around.shape[1]}").reshape(-1).tolist())


def _neighbourhoods(ids: _Ids, outside: int) -> tuple[_Ids, _Ids]:
    """Distinct 3×3 neighbourhoods of H×W ids below `outside`, K×9, and which of them each place has, H×W.

    The first `outside` are those of one id alone, whether or not they are there: only the others are looked for.
    """
    framed = np.pad(ids, 1, constant_values=outside)
    same = (framed[:-2] == framed[1:-1]) & (framed[2:] == framed[1:-1])  # H×(W+2): a column of three is of one id
    middle = framed[1:-1]
    uniform = same[:, :-2] & same[:, 1:-1] & same[:, 2:] & (middle[:, :-2] == ids) & (middle[:, 2:] == ids)
    y, x = np.nonzero(~uniform)
    wide, reach = framed.shape[1], np.arange(3)
    around = framed.reshape(-1)[(y * wide + x)[:, None] + (reach[:, None] * wide + reach).reshape(-1)]
    found, which = _distinct_rows(around)
    index = ids.copy()
    index[y, x] = outside + which
    return np.concatenate([np.repeat(np.arange(outside)[:, None], 9, 1), found]), index


def _distinct_rows(rows: _Ids) -> tuple[_Ids, _Ids]:
    """The distinct ones of N×9 numbers, and which of them each row is.

    They are told apart by a product of 64 bits. Should two that differ ever have the same, all are told slowly.
    """
    _, first, which = np.unique(rows @ _FACTORS, return_index=True, return_inverse=True)
    which = which.reshape(-1)
    distinct = rows[first]
    if not np.array_equal(distinct[which], rows):
        distinct, which = np.unique(rows, axis=0, return_inverse=True)
    return distinct, which.reshape(-1)
