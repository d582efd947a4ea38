"""Winograd's convolution is the plain one, borders and all."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from facesynth.models.folded_spade import winograd
from facesynth.models.folded_spade.winograd import WinogradConvolution


@pytest.mark.parametrize(
    ("made", "inside", "outside", "side"),
    [(2, 1, 1, 2), (2, 5, 7, 6), (2, 300, 130, 16), (4, 1, 1, 4), (4, 5, 7, 12), (4, 300, 130, 16)],
)
@pytest.mark.parametrize("tile_bytes", [1, 1 << 24])
def test_it_is_the_plain_convolution(
    made: int, inside: int, outside: int, side: int, tile_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "_TILE_BYTES", tile_bytes)  # row by row of tiles, or all at once
    torch.manual_seed(0)
    x = torch.randn(1, inside, side, side).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(outside, inside, 3, 3) / (3 * inside**0.5), torch.randn(outside)
    plain = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    before = x.clone()
    convolution = WinogradConvolution(weight, bias, side, made)
    found = convolution(x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), plain, atol=1e-5 if made == 2 else 1e-4, rtol=1e-5)
    total = torch.randn_like(found)
    torch.testing.assert_close(convolution.added_to(total.clone(), x), total + found)
    without = WinogradConvolution(weight, None, side, made)(x)
    torch.testing.assert_close(without, found - bias[:, None, None], atol=1e-5, rtol=1e-5)
    assert torch.equal(x, before)
