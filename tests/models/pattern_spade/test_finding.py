"""The patterns of a batch's label maps: each pixel's neighbourhood, exactly, and none twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from facesynth.models.pattern_spade import finding
from facesynth.models.pattern_spade.finding import BatchPatterns, batch_patterns
from tests.odd_label_maps import KINDS, odd_ids

LABELS, REACH = 19, 2


def batch_of(kinds: list[str], side: int) -> Tensor:
    return torch.from_numpy(np.stack([odd_ids(kind, side) for kind in kinds]).astype(np.int64))


def windows(ids: Tensor) -> Tensor:
    """The 25 labels around each pixel of N×H×W ids, LABELS where the map ends: N·H·W×25."""
    framed = torch.nn.functional.pad(ids, (REACH,) * 4, value=LABELS)
    return framed.unfold(1, 5, 1).unfold(2, 5, 1).reshape(-1, 25)


def told(found: BatchPatterns) -> Tensor:
    """The 25 labels that the patterns say are around each pixel, told by the 3×3 ones in their corners."""
    outside = torch.full((1, 9), LABELS)
    inner = torch.cat([found.inner, outside])
    told = torch.full((len(found.outer), 5, 5), -1)
    for place in range(9):
        y, x = divmod(place, 3)
        known = (found.outer[:, place] < len(found.inner))[:, None, None]
        told[:, y : y + 3, x : x + 3] = torch.where(
            known, inner[found.outer[:, place]].view(-1, 3, 3), told[:, y : y + 3, x : x + 3]
        )
    return told.flatten(1)[found.pattern][found.index]


def assert_found(ids: Tensor) -> None:
    found, wanted = batch_patterns(ids, LABELS), windows(ids)
    seen = told(found)
    assert ((seen == wanted) | (seen == -1)).all(), "no pixel is told another neighbourhood than its own"
    assert (wanted[seen == -1] == LABELS).all(), "what is not told lies outside"
    images = torch.arange(len(ids)).repeat_interleave(ids[0].numel())
    assert torch.equal(found.image[found.index], images)
    assert torch.equal(found.label[found.index], ids.flatten())
    rows = torch.cat([images[:, None], wanted], dim=1)
    assert len(found.image) == len(torch.unique(rows, dim=0)), "each pattern of an image has one row"
    assert len(found.outer) == len(torch.unique(wanted, dim=0)), (
        "each pattern is there once, and none that no pixel has"
    )
    assert len(torch.unique(found.inner, dim=0)) == len(found.inner)


@pytest.mark.parametrize("side", [1, 2, 4, 16, 37])
def test_each_pixel_is_told_its_own_neighbourhood(side: int) -> None:
    assert_found(batch_of(list(KINDS), side))
    assert_found(batch_of(["face"], side))


@given(
    st.integers(1, 3).flatmap(
        lambda count: st.tuples(st.just(count), st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32 - 1))
    )
)
def test_maps_of_any_shape(shape: tuple[int, int, int, int]) -> None:
    *size, seed = shape
    assert_found(torch.from_numpy(np.random.default_rng(seed).integers(0, 3, size)))


def test_numbers_that_tell_nothing_apart_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_FACTORS", (1,) * 9)  # neighbourhoods with one sum are one number now
    assert_found(batch_of(["face", "noise"], 16))


def test_the_numbers_tell_neighbourhoods_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, dim: int | None = None, **__: object) -> object:
        raise AssertionError("told apart the slow way")

    unique = torch.unique
    monkeypatch.setattr(torch, "unique", lambda *a, **k: slow(*a, **k) if "dim" in k else unique(*a, **k))
    batch_patterns(batch_of(list(KINDS), 64), LABELS)
