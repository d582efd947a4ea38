"""Arrays that are made once and kept in the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.datasets.kept_arrays import Arrays, Plan, kept_arrays
from facesynth.store import ArtifactStore, Recipe, list_entries

_PLAN = Plan("two arrays", {"ids.npy": ((5,), np.int64), "weights.npy": ((2, 3), np.float32)})
_RECIPE = Recipe("two-arrays", 1, {}, {}, ("0" * 64,))


def test_arrays_of_any_type_are_filled_once(tmp_path: Path) -> None:
    store, filled = ArtifactStore(tmp_path), []

    def fill(arrays: Arrays) -> None:
        arrays["ids.npy"][:] = range(-2, 3)
        arrays["weights.npy"][:] = 0.5
        filled.append(tuple(arrays))

    assert _PLAN.size == 5 * 8 + 6 * 4
    for _ in range(2):
        with kept_arrays(store, _RECIPE, _PLAN, fill) as arrays:
            assert arrays["ids.npy"].dtype == np.int64 and arrays["ids.npy"].tolist() == [-2, -1, 0, 1, 2]
            assert arrays["weights.npy"].dtype == np.float32 and arrays["weights.npy"].sum() == 3
            with pytest.raises(ValueError, match="read-only"):
                arrays["ids.npy"][0] = 1
    assert filled == [("ids.npy", "weights.npy")]
    [entry] = list_entries(store.root, "two-arrays")
    assert (entry.folder / "ids.npy").is_file()


def test_what_could_not_be_filled_leaves_nothing(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)

    def fail(arrays: Arrays) -> None:
        arrays["ids.npy"][:] = 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), kept_arrays(store, _RECIPE, _PLAN, fail):
        pass
    assert not list(list_entries(store.root, "two-arrays")) and not list((tmp_path / ".tmp").glob("*"))
