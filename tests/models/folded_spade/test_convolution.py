"""A packed convolution is the plain one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from facesynth.models.folded_spade.convolution import PackedConvolution


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("inside", "outside", "side", "kernel"), [(20, 3, 16, 3), (48, 32, 8, 3), (33, 17, 5, 1)])
def test_it_is_the_plain_convolution(inside: int, outside: int, side: int, kernel: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, inside, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(outside, inside, kernel, kernel, dtype=dtype), torch.randn(outside, dtype=dtype)
    with torch.inference_mode():
        packed = PackedConvolution(weight, bias, side, side)
        plain = F.conv2d(x.double(), weight.double(), bias.double(), padding=kernel // 2)
        atol, rtol = (1e-4, 1e-5) if dtype == torch.float32 else (0.05, 0.01)
        torch.testing.assert_close(packed(x).double(), plain, atol=atol, rtol=rtol)
        total = torch.randn_like(plain).to(dtype).contiguous(memory_format=torch.channels_last)
        before = total.double()
        added = packed.added_to(total, x)
        torch.testing.assert_close(added.double(), before + plain, atol=atol, rtol=rtol)
        assert added.data_ptr() == total.data_ptr() and added.is_contiguous(memory_format=torch.channels_last)


def test_without_pytorchs_own_operations_it_is_the_plain_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesynth.models.folded_spade.convolution._OPERATIONS", ("renamed",))
    x, weight = torch.randn(1, 4, 8, 8), torch.randn(6, 4, 3, 3)
    with torch.inference_mode():
        made = PackedConvolution(weight, None, 8, 8)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(made, F.conv2d(x, weight, padding=1), atol=1e-5, rtol=1e-5)
