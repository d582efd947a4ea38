"""The distinct neighbourhoods of a label map: what a network whose view is 5×5 labels can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Ids = NDArray[np.int64]
_REACH = 2
"""Pixels that a pattern reaches to each side."""
_CUBE_FITS = 2_000_000
"""Its third power is below 2^63."""


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
    index = index.reshape(-1)
    seen, first, index = np.unique(index, return_index=True, return_inverse=True)
    outer = outer[seen]
    used = np.unique(outer)
    used = used[used < len(inner)]
    renumbered = np.full(len(inner) + 1, len(used))
    renumbered[used] = np.arange(len(used))
    return LabelPatterns(
        inner[used], renumbered[outer], whole.reshape(-1)[first], _keys(whole, labels, first), index.reshape(-1)
    )


def _keys(ids: _Ids, labels: int, pixels: _Ids) -> tuple[bytes, ...]:
    """The 25 labels around each of some pixels of H×W ids, as bytes."""
    framed = np.pad(ids, _REACH, constant_values=labels)
    y, x = np.divmod(pixels, ids.shape[1])
    reach = range(2 * _REACH + 1)
    around = np.stack([framed[y + dy, x + dx] for dy in reach for dx in reach], 1)
    return tuple(row.tobytes() for row in around.astype(np.uint16))


def _neighbourhoods(ids: _Ids, outside: int) -> tuple[_Ids, _Ids]:
    """Distinct 3×3 neighbourhoods of H×W ids below `outside`, K×9, and which of them each place has, H×W.

    The first `outside` are those of one id alone, whether or not they are there: only the others are looked for.
    """
    framed = np.pad(ids, 1, constant_values=outside)
    same = (framed[:-2] == framed[1:-1]) & (framed[2:] == framed[1:-1])  # H×(W+2): a column of three is of one id
    middle = framed[1:-1]
    uniform = same[:, :-2] & same[:, 1:-1] & same[:, 2:] & (middle[:, :-2] == ids) & (middle[:, 2:] == ids)
    y, x = np.nonzero(~uniform)
    around = np.stack([framed[y + dy, x + dx] for dy in range(3) for dx in range(3)], 1)
    found, which = _distinct_rows(around, outside + 1)
    index = ids.copy()
    index[y, x] = outside + which
    return np.concatenate([np.repeat(np.arange(outside)[:, None], 9, 1), found]), index


def _distinct_rows(rows: _Ids, base: int) -> tuple[_Ids, _Ids]:
    """The distinct ones of N×9 numbers below `base`, and which of them each row is.

    Three numbers are made one, and the 3·N of those numbered anew, so that three of them fit into 64 bits again.
    """
    triples = (rows.reshape(-1, 3) @ np.array([base * base, base, 1])).reshape(-1, 3)
    distinct, numbered = np.unique(triples, return_inverse=True)
    count, numbered = len(distinct), numbered.reshape(-1, 3)
    keys = numbered @ np.array([count, 1, 0])
    if count > _CUBE_FITS:
        _, keys = np.unique(keys, return_inverse=True)
    _, first, which = np.unique(keys * count + numbered[:, 2], return_index=True, return_inverse=True)
    return rows[first], which.reshape(-1)
