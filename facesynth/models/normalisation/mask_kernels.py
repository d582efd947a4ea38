"""The affine parameter module of SPN (Yeo et al., equations 2 and 3): kernels that make γ and β of a mask."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.options import NormalisationOptions, Padding


class MaskKernels(nn.Module):
    """`γ = m ⊛ w₁ + (1-m) ⊛ w₂`, and β likewise with kernels of its own.

    As ⊛ is linear this is `m ⊛ (w₁-w₂) + 1 ⊛ w₂`, border included: half the convolutions, and 1-m is never made. The
    last term is the same for all samples; padded with zeros it is smaller near the border, so w₂ is no mere bias there.

    `own` holds w₁ and `inverted` w₂, first of γ and then of β: 2C×1×k×k, or 2C×C×k×k of a standard convolution.
    """

    def __init__(self, channels: int, options: NormalisationOptions) -> None:
        super().__init__()
        inputs = channels if options.convolution == "standard" and options.mask == "channels" else 1
        shape = (2 * channels, inputs, options.kernel, options.kernel)
        self.own, self.inverted = nn.Parameter(torch.empty(shape)), nn.Parameter(torch.empty(shape))
        self.padding: Padding = options.padding
        unit = torch.cat([torch.ones(channels), torch.zeros(channels)])
        self.register_buffer("unit", unit, persistent=False)  # the 1 of 1 + γ, and nothing on β
        for kernels in (self.own, self.inverted):
            for half in kernels.detach().chunk(2):
                nn.init.xavier_uniform_(half)  # as Keras does by default; PyTorch's would be six times as large

    def forward(
        self, mask: Tensor, own: Tensor | None = None, inverted: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mask N×C×H×W or N×1×H×W → 1 + γ and β, each N×C×H×W.

        Instead of the kernels each sample may have its `own` and `inverted`, N×2C×I×k×k, and a `bias` N×2C on γ and β.
        """
        unit = self.get_buffer("unit")
        return scale_and_shift(
            mask,
            self.own if own is None else own,
            self.inverted if inverted is None else inverted,
            unit if bias is None else unit + bias,
            self.padding,
        )

    def multiply_adds(self, pixels: int) -> int:
        """Of equations 2 and 3 as they are written, with four convolutions: what the paper's table 6 counts."""
        return (self.own.numel() + self.inverted.numel()) * pixels


def scale_and_shift(
    mask: Tensor, own: Tensor, inverted: Tensor, bias: Tensor, padding: Padding
) -> tuple[Tensor, Tensor]:
    """`m ⊛ own + (1-m) ⊛ inverted + bias`, its two halves, each N×C×H×W.

    mask: N×M×H×W, where M is C or 1; own, inverted: …×2C×I×k×k, where I is 1, or M where each channel reads all masks;
    bias: …×2C. Where … is N, each sample has its own.
    """
    count, channels = mask.shape[0], own.shape[-4] // 2
    differences = own - inverted
    one = answers_to_one(inverted, mask, padding) + bias[..., None, None, :]
    margin = own.shape[-1] // 2
    if margin and padding == "replicate":
        mask, margin = F.pad(mask, (margin,) * 4, mode="replicate"), 0
    if own.dim() == 5:  # a sample's maps become groups of one convolution
        mask = mask.reshape(1, -1, *mask.shape[2:])
    groups = mask.shape[1] // own.shape[-3]
    found = []
    # One convolution that makes two maps of each would be slow: libraries have fast ways for depthwise ones alone.
    for kernels, added in zip(differences.chunk(2, dim=-4), one.chunk(2, dim=-1), strict=True):
        each = F.conv2d(mask, kernels.flatten(0, -4), padding=margin, groups=groups)
        each = each.view(count, channels, *each.shape[2:])
        # Added as N×H×W×C: the gradient of what is added is a sum over the batch, ten times as slow as N×C×H×W.
        found.append((each.permute(0, 2, 3, 1) + added).permute(0, 3, 1, 2))
    return found[0], found[1]


def answers_to_one(kernels: Tensor, like: Tensor, padding: Padding) -> Tensor:
    """`1 ⊛ kernels`, kernels …×O×I×k×k → …×H×W×O, or …×1×1×O where it is the same everywhere."""
    summed, side = kernels.sum(-3).flatten(-2), kernels.shape[-1]  # …×O×k²
    if side == 1 or padding == "replicate":
        return summed.sum(-1)[..., None, None, :]
    ones = torch.ones((1, 1, *like.shape[2:]), dtype=kernels.dtype, device=kernels.device)
    taps = F.unfold(ones, side, padding=side // 2)[0].T  # HW×k²: 1 where a kernel's tap lies inside
    return (taps @ summed.mT).view(*summed.shape[:-2], *like.shape[2:], -1)
