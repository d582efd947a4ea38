"""A folded layer is the textbook's, on any label map."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.inference.patterns.finding import label_patterns
from facesynth.models.folded_spade.modulation import FoldedSpade, modulated
from facesynth.models.folded_spade.places import Neighbourhoods, Places
from facesynth.models.spade import Spade
from tests.odd_label_maps import KINDS, odd_ids

LABELS = 19


def layer_of(channels: int = 6, style_channels: int | None = None) -> Spade:
    torch.manual_seed(0)
    layer = Spade(channels, LABELS, hidden=8, style_channels=style_channels).eval().requires_grad_(False)
    layer.normalise.get_buffer("running_mean").normal_()
    layer.normalise.get_buffer("running_var").uniform_(0.3, 3)
    return layer


def one_hot(ids: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> Tensor:
    return F.one_hot(torch.from_numpy(ids.astype(np.int64)), LABELS).permute(2, 0, 1)[None].float()


def patterns_of(ids: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> tuple[Neighbourhoods, Places]:
    found = label_patterns(ids, LABELS)
    assert found is not None
    inner, outer, middle, index = (
        torch.from_numpy(each) for each in (found.inner, found.outer, found.middle, found.index)
    )
    return Neighbourhoods(inner, outer), Places(len(ids), middle, index)


@pytest.mark.parametrize(
    ("kind", "side"),
    [(kind, side) for kind in KINDS for side in (2, 4, 16, 64)] + [(kind, 256) for kind in KINDS if kind != "noise"],
)
def test_it_is_the_textbook_layer(kind: str, side: int) -> None:
    layer, ids = layer_of(), odd_ids(kind, side)
    neighbourhoods, places = patterns_of(ids)
    x = torch.randn(1, 6, side, side).contiguous(memory_format=torch.channels_last)
    expected = layer(x, one_hot(ids), torch.zeros(1, 1))
    folded = FoldedSpade(layer, torch.float32)
    rows = folded.rows(neighbourhoods)
    torch.testing.assert_close(modulated(x, rows, places, None), expected, atol=1e-5, rtol=1e-5)
    each = Places(side, torch.from_numpy(ids.reshape(-1).astype(np.int64)), None)
    dense = modulated(x, folded.dense_rows(one_hot(ids)), each, 0.2)
    torch.testing.assert_close(dense, F.leaky_relu(expected, 0.2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("regions", [False, True])
def test_styles_come_after_it(regions: bool) -> None:
    layer, ids = layer_of(style_channels=5), odd_ids("every label", 16)
    neighbourhoods, places = patterns_of(ids)
    style = torch.randn(1, LABELS, 5) if regions else torch.randn(1, 5)
    x = torch.randn(1, 6, 16, 16).contiguous(memory_format=torch.channels_last)
    folded = FoldedSpade(layer, torch.float32)
    rows = folded.rows(neighbourhoods)
    before = rows.clone()
    y = modulated(x, folded.styled(rows, style[0], places), places, None)
    torch.testing.assert_close(y, layer(x, one_hot(ids), style), atol=1e-5, rtol=1e-5)
    assert torch.equal(rows, before)  # for the next style


def test_it_scales_up_on_the_way() -> None:
    layer, ids = layer_of(), odd_ids("face", 64)
    neighbourhoods, places = patterns_of(ids)
    x = torch.randn(1, 6, 32, 32).contiguous(memory_format=torch.channels_last)
    expected = layer(F.interpolate(x, scale_factor=2, mode="nearest"), one_hot(ids), torch.zeros(1, 1))
    y = modulated(x, FoldedSpade(layer, torch.float32).rows(neighbourhoods), places, None)
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [6, 192])
def test_a_patterns_row_is_the_same_to_the_bit_whatever_comes_with_it(channels: int, dtype: torch.dtype) -> None:
    neighbourhoods, _ = patterns_of(odd_ids("noise", 16))
    folded = FoldedSpade(layer_of(channels), dtype)
    every = folded.rows(neighbourhoods)
    draw = torch.Generator().manual_seed(0)
    for count in (1, 5, 100, 256):
        some = torch.randperm(len(every), generator=draw)[:count]
        assert torch.equal(folded.rows(neighbourhoods.of(some)), every[some])
