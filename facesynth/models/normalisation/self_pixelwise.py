"""Self pixel-wise normalisation (Yeo et al., arXiv 2201.10725): γ and β from a mask that is found in x itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.normalisation.mask_kernels import MaskKernels
from facesynth.models.normalisation.modulation import Field, Modulation
from facesynth.models.normalisation.options import NormalisationOptions
from facesynth.models.normalisation.statistics import BatchStatistics


class SelfPixelwise(Modulation):
    """SPN: `m = σ(1×1(ReLU(BN(x))))`, and γ, β of m and 1-m by kernels that see one channel each (figure 8).

    The mask's batch normalisation is an affine function of x̂, so that one pass over x serves both; PyTorch's ε and
    momentum are shared. Which side of a mask is "foreground" is arbitrary: w₁, w₂ and m, 1-m may change places.

    Where the paper says otherwise, the code decides: figure 8's convolutions lack `padding="same"` and could not run;
    they and the 1×1 have no bias, without which table 6 does not come out; a constant mask gives batch normalisation
    only where no padding is seen, and a scalar one never gives layer normalisation, whose x̂ is another.
    """

    def __init__(self, channels: int, options: NormalisationOptions) -> None:
        super().__init__()
        self.normalise = BatchStatistics(channels)
        self.mask_gamma = nn.Parameter(torch.zeros(channels))
        self.mask_beta = nn.Parameter(torch.zeros(channels))
        self.embed = mask_embedding(channels, options)
        self.kernels = MaskKernels(channels, options)

    def field(self, normalised: Tensor, *_: Tensor | None) -> Field:
        return self.field_of(self.mask(normalised))

    def mask(self, normalised: Tensor) -> Tensor:
        """x̂ → the self-latent mask in 0..1, N×C×H×W or N×1×H×W."""
        scale, shift = 1 + self.mask_gamma[:, None, None], self.mask_beta[:, None, None]
        return torch.sigmoid(self.embed(F.relu((normalised * scale).add_(shift), inplace=True)))

    def field_of(self, mask: Tensor) -> Field:
        """γ and β of any mask."""
        scale, shift = self.kernels(mask)
        return Field(scale, shift, mask)


def mask_embedding(channels: int, options: NormalisationOptions) -> nn.Conv2d:
    """The 1×1 convolution from features to masks."""
    layer = nn.Conv2d(channels, channels if options.mask == "channels" else 1, 1, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer
