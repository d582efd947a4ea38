"""Convolutions whose weights are laid out once as oneDNN wants them, instead of at each call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_STRIDE, _DILATION, _GROUPS = [1, 1], [1, 1], 1
_OPERATIONS = (
    "_reorder_convolution_weight",
    "_convolution_pointwise",
    "_convolution_pointwise_",
    "_is_mkldnn_bf16_supported",
)
"""PyTorch's own for compiled graphs, which it may rename."""


class PackedConvolution:
    """A convolution of stride 1 that keeps the side, for batches of one: bit for bit what `F.conv2d` gives.

    A call of `F.conv2d` lays the weights out anew: at 8×8 pixels and 1,024 channels four fifths of its time. Where
    PyTorch comes without oneDNN, or on another device than the CPU, it is what is called.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, height: int, width: int) -> None:
        """`weight`: out×in×k×k with k odd; height and width are those of the inputs that it is laid out for."""
        padding = weight.shape[-1] // 2
        self._padding = [padding, padding]
        self._bias = bias
        self._weight = weight.contiguous(memory_format=torch.channels_last)
        self._packed = _packs(weight)
        if self._packed:
            shape = [1, weight.shape[1], height, width]
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, self._padding, _STRIDE, _DILATION, _GROUPS, shape
            )

    def __call__(self, x: Tensor) -> Tensor:
        """1×in×H×W, channels last → 1×out×H×W, channels last."""
        if not self._packed:
            return F.conv2d(x, self._weight, self._bias, padding=self._padding)
        made: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._weight, self._bias, self._padding, _STRIDE, _DILATION, _GROUPS, "none", [], ""
        )
        return made

    def added_to(self, total: Tensor, x: Tensor) -> Tensor:
        """`total` with the convolution of x added to it in place."""
        if not self._packed:
            return total.add_(self(x))
        made: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            total, x, self._weight, self._bias, self._padding, _STRIDE, _DILATION, _GROUPS, "add", 1, None, [], None
        )
        return made


def _packs(weight: Tensor) -> bool:
    """Whether oneDNN is there, and takes numbers of this kind."""
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if not all(hasattr(torch.ops.mkldnn, name) for name in _OPERATIONS):
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32
