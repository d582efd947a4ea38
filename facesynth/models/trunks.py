"""Image classifiers cut off before their last layers: what a parser reads pictures with."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models import imagenet


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al. 2018): N×3×H×W, ImageNet-normalised → maps at strides 2, 4, 8, 16 and, if whole, 32.

    The names of its parameters are those of torchvision's `features`, so that its ImageNet weights load as they are.
    torchvision itself is not asked: what it imports takes as long as PyTorch, and a command is waited for.
    """

    # (expansion, channels, blocks, stride of the first) a stage: the paper's table 2.
    _STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    # The layers after which the resolution halves, and the channels that they give.
    _TAPS = ((1, 16), (3, 24), (6, 32), (13, 96), (17, 320))

    def __init__(self, *, whole: bool = True) -> None:
        super().__init__()
        taps = self._TAPS if whole else self._TAPS[:-1]
        self.channels = tuple(channels for _, channels in taps)
        self._last = frozenset(index for index, _ in taps)
        layers: list[nn.Module] = [_relu6_layer(3, 32, 3, stride=2)]
        width = 32
        for expansion, channels, count, first in self._STAGES:
            for index in range(count):
                layers.append(_Bottleneck(width, channels, first if index == 0 else 1, expansion))
                width = channels
        self.features = nn.Sequential(*layers[: taps[-1][0] + 1])
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> list[Tensor]:
        return _maps(self.features, self._last, x)

    @staticmethod
    def published_name(name: str) -> str:
        """The name in torchvision's checkpoint of one of its parameters."""
        return name


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation, ReLU6 for swish); for its maps see above.

    Strided convolutions are padded as TensorFlow does it, on the right and below, and pictures are brought to the range
    that its published weights were trained on, (pixel - 127) / 128: with them its maps are those of the original.
    """

    # (blocks, channels, kernel, stride of the first, expansion) a stage; taps: the last blocks before a halving.
    _STAGES = (
        (1, 16, 3, 1, 1),
        (2, 24, 3, 2, 6),
        (2, 40, 5, 2, 6),
        (3, 80, 3, 2, 6),
        (3, 112, 5, 1, 6),
        (4, 192, 5, 2, 6),
        (1, 320, 3, 1, 6),
    )
    _TAPS = ((0, 16), (2, 24), (4, 40), (10, 112), (15, 320))

    def __init__(self, *, whole: bool = True) -> None:
        super().__init__()
        taps = self._TAPS if whole else self._TAPS[:-1]
        self.channels = tuple(channels for _, channels in taps)
        self._last = frozenset(index for index, _ in taps)
        mean, std = torch.tensor(imagenet.MEAN).view(1, 3, 1, 1), torch.tensor(imagenet.STD).view(1, 3, 1, 1)
        self.register_buffer("input_scale", std * 255 / 128, persistent=False)
        self.register_buffer("input_shift", (mean * 255 - 127) / 128, persistent=False)
        self.stem = _layer(3, 32, 3, stride=2)
        blocks: list[nn.Module] = []
        width = 32
        for count, channels, kernel, first, expansion in self._STAGES:
            for index in range(count):
                blocks.append(_Block(width, channels, kernel, first if index == 0 else 1, expansion))
                width = channels
        self.blocks = nn.ModuleList(blocks[: taps[-1][0] + 1])

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x * self.get_buffer("input_scale") + self.get_buffer("input_shift"))
        return _maps(self.blocks, self._last, x)

    @staticmethod
    def published_name(name: str) -> str:
        """The name in the checkpoint of `efficientnet-lite-pytorch` of one of its parameters."""
        part, *rest = name.split(".")
        if part == "stem":
            layer, leaf = rest
            return f"{('_conv_stem', '_bn0')[int(layer)]}.{leaf}"
        block, step, layer, leaf = rest
        convolution, norm = _PUBLISHED_STEPS[step]
        return f"_blocks.{block}.{(convolution, norm)[int(layer)]}.{leaf}"


_PUBLISHED_STEPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "expand": ("_expand_conv", "_bn0"),
        "depthwise": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
)

Trunk = MobileNetV2 | EfficientNetLite0
TRUNKS: Mapping[str, Callable[..., Trunk]] = MappingProxyType(
    {"mobilenet-v2": MobileNetV2, "efficientnet-lite0": EfficientNetLite0}
)


def _relu6_layer(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU6(inplace=True))


class _Bottleneck(nn.Module):
    """MobileNetV2's inverted residual, its layers numbered as torchvision numbers them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = channels_in * expansion
        expand = [] if expansion == 1 else [_relu6_layer(channels_in, width, 1)]
        depthwise = _relu6_layer(width, width, 3, stride=stride, groups=width)
        project = nn.Conv2d(width, channels_out, 1, bias=False)
        self.conv = nn.Sequential(*expand, depthwise, project, nn.BatchNorm2d(channels_out))
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class _Convolution(nn.Conv2d):
    """A convolution without bias; a strided one is padded as TensorFlow's `SAME` pads pictures of even size."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, groups: int) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False)
        before = (kernel - stride) // 2
        self.margins = None if stride == 1 else (before, kernel - stride - before) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.margins is None else F.pad(x, self.margins))


def _layer(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1, linear: bool = False
) -> nn.Sequential:
    layers = [
        _Convolution(channels_in, channels_out, kernel, stride, groups),
        nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01),
    ]
    return nn.Sequential(*layers) if linear else nn.Sequential(*layers, nn.ReLU6(inplace=True))


def _maps(layers: Iterable[nn.Module], last: Container[int], x: Tensor) -> list[Tensor]:
    """What comes out of those layers whose index is in `last`, in order."""
    maps = []
    for index, layer in enumerate(layers):
        x = layer(x)
        if index in last:
            maps.append(x)
    return maps


class _Block(nn.Module):
    """EfficientNet-Lite's inverted residual."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = channels_in * expansion
        self.expand = nn.Identity() if expansion == 1 else _layer(channels_in, width, 1)
        self.depthwise = _layer(width, width, kernel, stride=stride, groups=width)
        self.project = _layer(width, channels_out, 1, linear=True)
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y
