"""The residual blocks of table 2 and figure 5, upwards and downwards."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from facesynth.models.normalisation.channelwise import ClassTable
from facesynth.models.normalisation.modulation import Modulation
from facesynth.models.resnet_gan.attention import SpatialAttention


class Layers:
    """Makes convolutions and linear layers as Keras does by default (Glorot, biases 0), spectrally where asked for.

    The paper tells of no initialisation; Keras is what its code is written in. Spectral normalisation is that of
    `parametrizations`: the older one's is not iterated before the first training pass.
    """

    def __init__(self, *, spectral: bool, bias: bool) -> None:
        self.spectral, self.bias = spectral, bias

    def convolution(self, channels_in: int, channels_out: int, kernel: int) -> nn.Module:
        """A k×k convolution that keeps the side."""
        return self._ready(nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=self.bias))

    def linear(self, features_in: int, features_out: int, *, bias: bool | None = None) -> nn.Module:
        """A linear layer, with a bias as the other layers unless told."""
        return self._ready(nn.Linear(features_in, features_out, self.bias if bias is None else bias))

    def table(self, classes: int, columns: int) -> nn.Module:
        """A row of numbers a class."""
        return self._ready(ClassTable(classes, columns))

    def _ready(self, layer: nn.Conv2d | nn.Linear | ClassTable) -> nn.Module:
        nn.init.xavier_uniform_(layer.weight)
        if not isinstance(layer, ClassTable) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
        return spectral_norm(layer) if self.spectral else layer


class UpBlock(nn.Module):
    """Twice the side: N×C×H×W → N×C'×2H×2W, with two normalised 3×3 convolutions and a shortcut.

    Upsampling comes before the first normalisation, not only "before the first convolution" (section 4.1), or table 6
    would not come out. The shortcut is the upsampled x, through a 1×1 convolution where the width changes. Attention
    stands "after the convolutional layer" (section 4.3), here the second one, before the shortcut is added.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        normalisation: Callable[[int], Modulation],
        layers: Layers,
        *,
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.norm_0, self.norm_1 = normalisation(channels_in), normalisation(channels_out)
        self.conv_0 = layers.convolution(channels_in, channels_out, 3)
        self.conv_1 = layers.convolution(channels_out, channels_out, 3)
        self.attention = SpatialAttention() if attention else None
        self.shortcut = layers.convolution(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x: Tensor, condition: Tensor | None, z: Tensor | None) -> Tensor:
        """`condition`: class ids N, or weights N×classes; z: N×z_channels; both are for those that use them."""
        return self.residual(F.interpolate(x, scale_factor=2, mode="nearest"), condition, z)

    def residual(self, x: Tensor, condition: Tensor | None, z: Tensor | None) -> Tensor:
        """What follows upsampling, at one size."""
        y: Tensor = self.conv_0(F.relu(self.norm_0(x, condition, z), inplace=True))
        y = self.conv_1(F.relu(self.norm_1(y, condition, z), inplace=True))
        if self.attention is not None:
            y = self.attention(y)
        return y + (x if self.shortcut is None else self.shortcut(x))


class DownBlock(nn.Module):
    """Half the side by averaging after the second convolution, or the same side: N×C×H×W → N×C'×H/2×W/2.

    The `first` starts from pixels, without an activation, and averages before its 1×1 convolution (Miyato et al. 2018).
    The shortcut has one where the width changes.
    """

    def __init__(self, channels_in: int, channels_out: int, layers: Layers, *, halve: bool, first: bool) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv_0 = layers.convolution(channels_in, channels_out, 3)
        self.conv_1 = layers.convolution(channels_out, channels_out, 3)
        self.shortcut = layers.convolution(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_0(x if self.first else F.relu(x))
        y = self.conv_1(F.relu(y, inplace=True))
        if self.first:
            x = self._smaller(x)
        short: Tensor = x if self.shortcut is None else self.shortcut(x)
        return self._smaller(y) + (short if self.first else self._smaller(short))

    def _smaller(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) if self.halve else x
