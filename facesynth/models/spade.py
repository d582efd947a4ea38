"""Spatially-adaptive normalisation and its residual block (Park et al. 2019, equation 1 and figure 4)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from facesynth.models.normalisation.modulation import Field, Modulation
from facesynth.models.pattern_spade.finding import BatchPatterns
from facesynth.models.pattern_spade.rows import exact, gamma_beta_rows, modulated

Convolution = Callable[..., nn.Module]


def convolution(spectral: bool) -> Convolution:
    """Return a maker of 2-D convolutions, with spectral normalisation (Miyato et al. 2018) when asked for."""

    def make(*arguments: int, **options: int | bool) -> nn.Module:
        layer = nn.Conv2d(*arguments, **options)  # type: ignore[arg-type]
        return spectral_norm(layer) if spectral else layer

    return make


class Spade(Modulation):
    """`(1 + γ(m))·x̂ + β(m)`, where x̂ is batch-normalised x and γ, β come from the label map m alone.

    With `style_channels` the result is scaled and shifted a channel by the style as well: `(1 + a(z))·y + b(z)`; where
    there is a style for each label, each does so where its label is.
    x: N×C×H×W; label_map: N×labels×H×W one-hot at x's size, or what `batch_patterns` finds in it, which gives the same;
    style: N×style_channels, or N×labels×style_channels.
    """

    def __init__(self, channels: int, labels: int, hidden: int, style_channels: int | None) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Conv2d(labels, hidden, 3, padding=1)
        self.gamma_beta = nn.Conv2d(hidden, 2 * channels, 3, padding=1)
        self.style = None if style_channels is None else nn.Linear(style_channels, 2 * channels)

    def field(self, normalised: Tensor, label_map: Tensor, style: Tensor) -> Field:
        gamma, beta = self.gamma_beta(F.relu(self.shared(label_map))).chunk(2, dim=1)
        return Field(1 + gamma, beta)

    def forward(self, x: Tensor, label_map: Tensor | BatchPatterns, style: Tensor) -> Tensor:
        if isinstance(label_map, BatchPatterns):
            return self._by_patterns(x, label_map, style)
        y = self.modulated(x, label_map, style)
        if self.style is not None:
            affine: Tensor = self.style(style)
            wide = affine[:, :, None, None] if affine.ndim == 2 else spread(affine, label_map)
            scale, shift = wide.chunk(2, dim=1)
            y = y * (1 + scale) + shift
        return y

    def _by_patterns(self, x: Tensor, patterns: BatchPatterns, style: Tensor) -> Tensor:
        gamma, beta = gamma_beta_rows(patterns, self.shared, self.gamma_beta).chunk(2, dim=1)
        scale, shift = 1 + gamma, beta
        if self.style is not None:
            affine = exact(self.style(style))
            own = affine[patterns.image] if affine.ndim == 2 else affine[patterns.image, patterns.label]
            styled, moved = own.chunk(2, dim=1)
            scale, shift = scale * (1 + styled), shift * (1 + styled) + moved
        return modulated(self.normalise(x), scale, shift, patterns)


def spread(numbers: Tensor, label_map: Tensor) -> Tensor:
    """N×labels×C numbers of the labels → N×C×H×W: those of each pixel's label, of a one-hot label map."""
    count, _, height, width = label_map.shape
    pixels = label_map.permute(0, 2, 3, 1).flatten(1, 2) @ numbers  # so that they lie channels last
    return pixels.view(count, height, width, -1).permute(0, 3, 1, 2)


class SpadeResBlock(nn.Module):
    """Two SPADE-normalised 3×3 convolutions and a shortcut, which is learned where the width changes.

    `noise` adds one N×1×H×W field of noise after each convolution, scaled a channel (Karras et al. 2019).
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        labels: int,
        hidden: int,
        style_channels: int | None,
        spectral: bool,
        noise: bool,
    ) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)
        make = convolution(spectral)

        def norm(channels: int) -> Spade:
            return Spade(channels, labels, hidden, style_channels)

        self.norm_0, self.norm_1 = norm(channels_in), norm(middle)
        self.conv_0 = make(channels_in, middle, 3, padding=1)
        self.conv_1 = make(middle, channels_out, 3, padding=1)
        self.noise_0 = NoiseInjection(middle) if noise else None
        self.noise_1 = NoiseInjection(channels_out) if noise else None
        learned = channels_in != channels_out
        self.norm_s = norm(channels_in) if learned else None
        self.conv_s = make(channels_in, channels_out, 1, bias=False) if learned else None

    def forward(self, x: Tensor, label_map: Tensor | BatchPatterns, style: Tensor, noise: Tensor | None) -> Tensor:
        shortcut = x
        if self.norm_s is not None and self.conv_s is not None:
            shortcut = self.conv_s(self.norm_s(x, label_map, style))
        y: Tensor = self.conv_0(F.leaky_relu(self.norm_0(x, label_map, style), 0.2))
        if self.noise_0 is not None and noise is not None:
            y = self.noise_0(y, noise)
        y = self.conv_1(F.leaky_relu(self.norm_1(y, label_map, style), 0.2))
        if self.noise_1 is not None and noise is not None:
            y = self.noise_1(y, noise)
        return shortcut + y


class NoiseInjection(nn.Module):
    """x + weight·noise with one learned weight a channel, at first zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return torch.addcmul(x, self.weight.to(x.dtype), noise.to(x.dtype))  # in float32 all after it would be, too
