"""Conditional SPN (Yeo et al., section 3.2 and figure 4): the class shapes the mask and the kernels over it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.models.normalisation.channelwise import ClassTable, noise_bias
from facesynth.models.normalisation.mask_kernels import MaskKernels
from facesynth.models.normalisation.modulation import Field, Modulation, per_channel
from facesynth.models.normalisation.options import NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import mask_embedding
from facesynth.models.normalisation.statistics import BatchStatistics


class ConditionalSelfPixelwise(Modulation):
    """cSPN: conditional batch normalisation before the mask, conditional kernels after it, and a bias made of z.

    A class makes a kernel its own by a scale and a shift a filter, `s·w + t/k²`: the abstract of cConv (Sagong et al.,
    arXiv 1906.00709) has these in words, a port by others has this form. As ⊛ is linear, it gives `s·(m ⊛ w)` and t
    times the mean of m under the kernel. The bias on γ and β is optional (table 8); it is made of the whole z.

    With s = 1, t = 0 and neither class nor z having a say, which is how it starts but for the bias, this is SPN.
    """

    def __init__(self, channels: int, options: NormalisationOptions) -> None:
        super().__init__()
        self.normalise = BatchStatistics(channels)
        self.mask_table = ClassTable(options.classes, 2 * channels)
        self.embed = mask_embedding(channels, options)
        self.kernels = MaskKernels(channels, options)
        # A number a kernel: w₁ of γ and β, then w₂ of both. Scales are told as what they are more than 1.
        self.kernel_scale = ClassTable(options.classes, 4 * channels)
        self.kernel_shift = ClassTable(options.classes, 4 * channels)
        self.noise_bias = noise_bias(options.z_channels, channels) if options.noise_bias else None

    def field(self, normalised: Tensor, condition: Tensor | None, z: Tensor | None) -> Field:
        return self.field_of(self.mask(normalised, condition), condition, z)

    def mask(self, normalised: Tensor, condition: Tensor | None) -> Tensor:
        """x̂ and the class → the self-latent mask in 0..1, N×C×H×W or N×1×H×W."""
        gamma, beta = per_channel(self.mask_table(condition))
        return torch.sigmoid(self.embed(F.relu(torch.addcmul(beta, normalised, 1 + gamma), inplace=True)))

    def field_of(self, mask: Tensor, condition: Tensor | None, z: Tensor | None) -> Field:
        """γ and β of any mask."""
        kernels = self.kernels
        scales = (1 + self.kernel_scale(condition))[..., None, None, None].chunk(2, dim=1)
        shifts = (self.kernel_shift(condition) / kernels.own.shape[-1] ** 2)[..., None, None, None].chunk(2, dim=1)
        own, inverted = (
            scale * weight + shift
            for scale, weight, shift in zip(scales, (kernels.own, kernels.inverted), shifts, strict=True)
        )
        bias = None if self.noise_bias is None else self.noise_bias(z)
        scale, shift = kernels(mask, own, inverted, bias)
        return Field(scale, shift, mask)
