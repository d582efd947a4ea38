"""SPADE's generator written from the papers, layer by layer: the oracle and the first arm of `spade_engines.py`.

Park et al. 2019 (arXiv 1903.07291): equation 1, figures 3, 4 and 11 to 14; spectral normalisation after Miyato et al.
2018; synchronised batch normalisation is plain where there is one device. A style's affine after it and noise as the
face paper's section 3 has them (after Karras et al. 2019). Nothing here is shared with facesynth, and nothing is made
fast: γ and β are convolutions of their own, all is laid out channels first, as PyTorch does by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

HIDDEN_SLOPE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of a generator: what its papers leave open."""

    labels: int
    size: int
    start: int
    style_channels: int
    width: int
    max_width: int
    hidden: int
    style_affine: bool
    style_regions: bool
    noise: bool


class TextbookSpade(nn.Module):
    """γ(m)·x̂ + β(m) + x̂."""

    def __init__(self, channels: int, shape: Shape) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Sequential(nn.Conv2d(shape.labels, shape.hidden, 3, padding=1), nn.ReLU())
        self.gamma = nn.Conv2d(shape.hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(shape.hidden, channels, 3, padding=1)
        self.style = nn.Linear(shape.style_channels, 2 * channels) if shape.style_affine else None

    def forward(self, x: Tensor, label_map: Tensor, style: Tensor) -> Tensor:
        label_map = F.interpolate(label_map, size=x.shape[2:], mode="nearest")
        hidden = self.shared(label_map)
        normalised = self.normalise(x)
        y: Tensor = normalised * (1 + self.gamma(hidden)) + self.beta(hidden)
        if self.style is None:
            return y
        affine = self.style(style)
        if affine.ndim == 2:  # one for the face
            affine = affine[:, :, None, None]
        else:  # one a label, where it is
            affine = torch.einsum("nlc,nlhw->nchw", affine, label_map)
        scale, shift = affine.chunk(2, dim=1)
        return y * (1 + scale) + shift


class TextbookBlock(nn.Module):
    """Figure 4's residual block."""

    def __init__(self, channels_in: int, channels_out: int, shape: Shape) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)

        self.norm_0, self.norm_1 = TextbookSpade(channels_in, shape), TextbookSpade(middle, shape)
        self.conv_0, self.conv_1 = (
            nn.Conv2d(channels_in, middle, 3, padding=1),
            nn.Conv2d(middle, channels_out, 3, padding=1),
        )
        self.norm_s = TextbookSpade(channels_in, shape) if channels_in != channels_out else None
        self.conv_s = nn.Conv2d(channels_in, channels_out, 1, bias=False) if channels_in != channels_out else None
        self.noise_0 = nn.Parameter(torch.zeros(middle)) if shape.noise else None
        self.noise_1 = nn.Parameter(torch.zeros(channels_out)) if shape.noise else None

    def forward(self, x: Tensor, label_map: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        shortcut = x
        if self.norm_s is not None and self.conv_s is not None:
            shortcut = self.conv_s(self.norm_s(x, label_map, style))
        y = self.conv_0(F.leaky_relu(self.norm_0(x, label_map, style), HIDDEN_SLOPE))
        if self.noise_0 is not None and noise is not None:
            y = y + self.noise_0[:, None, None] * noise
        y = self.conv_1(F.leaky_relu(self.norm_1(y, label_map, style), HIDDEN_SLOPE))
        if self.noise_1 is not None and noise is not None:
            y = y + self.noise_1[:, None, None] * noise
        return shortcut + y


class TextbookGenerator(nn.Module):
    """Figure 11: a linear layer, residual blocks with nearest upsampling before them, a convolution, tanh."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [min(shape.width * times, shape.max_width) for times in (16, 16, 16, 16, 8, 4, 2, 1)]
        doublings = (shape.size // shape.start).bit_length() - 1
        if doublings == 7:  # "most"
            widths.append(shape.width // 2)
        blocks = len(widths) - 1
        # Before which blocks the side doubles: in "normal" not before the second one of the middle.
        self.doubles = [index > 0 and not (doublings == 5 and index == 2) for index in range(blocks)]
        self.first: nn.Linear | None = None
        if shape.style_regions:
            self.reading = nn.Parameter(torch.zeros(shape.labels, shape.style_channels, shape.style_channels))
            self.reading_bias = nn.Parameter(torch.zeros(shape.labels, shape.style_channels))
            self.constant = nn.Parameter(torch.zeros(1, widths[0], shape.start, shape.start))
        else:
            self.first = nn.Linear(shape.style_channels, widths[0] * shape.start**2)
        self.blocks = nn.ModuleList(TextbookBlock(inside, outside, shape) for inside, outside in pairwise(widths))
        self.picture = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, label_map: Tensor, style: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        if self.first is None:
            style = style + torch.einsum("loi,nli->nlo", self.reading, style) + self.reading_bias
            x = self.constant.expand(len(style), -1, -1, -1)
        else:
            x = self.first(style).view(len(style), -1, self.shape.start, self.shape.start)
        for index, block in enumerate(self.blocks):
            if self.doubles[index]:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, label_map, style, noise[index] if noise else None)
        return torch.tanh(self.picture(F.leaky_relu(x, HIDDEN_SLOPE)))


def filled(generator: TextbookGenerator, state: Mapping[str, Tensor]) -> TextbookGenerator:
    """Fill in the weights of a folded facesynth generator's state, under the names that things have here."""
    own: dict[str, Tensor] = {}
    for name, value in state.items():
        match name.split("."):
            case [*layer, "gamma_beta", kind]:
                for part, half in zip(("gamma", "beta"), value.chunk(2), strict=True):
                    own[".".join([*layer, part, kind])] = half
            case [*layer, "shared", kind]:
                own[".".join([*layer, "shared", "0", kind])] = value
            case [*block, "noise_0" | "noise_1" as noise, "weight"]:
                own[".".join([*block, noise])] = value.flatten()
            case ["regions", "reading", "weight"]:
                own["reading"] = value.view_as(generator.reading)
            case ["regions", "reading", "bias"]:
                own["reading_bias"] = value.view_as(generator.reading_bias)
            case ["regions", "average"]:  # what a region without a style has is no part of the network
                pass
            case ["constant"]:
                own[name] = value.view_as(generator.constant)
            case _:
                own[name] = value
    generator.load_state_dict(own)
    return generator


def with_spectral_norm(generator: TextbookGenerator) -> TextbookGenerator:
    """Normalise the blocks' convolutions spectrally, as they are when they come out of training: at each call.

    The σ that they divide by is 1, since the weights that were filled in had been divided already.
    """
    for block in generator.blocks:
        for name in ("conv_0", "conv_1", "conv_s"):
            layer = getattr(block, name)
            if layer is None:
                continue
            spectral_norm(layer)
            norm = layer.parametrizations.weight[0]
            matrix = layer.weight.detach().flatten(1)
            norm._v.copy_(F.normalize(matrix.T @ norm._u, dim=0))
            norm._u.div_(torch.dot(norm._u, layer.parametrizations.weight.original.flatten(1) @ norm._v))
    return generator
