"""BiSeNet (Yu et al. 2018, arXiv 1808.00897), as zllrunning/face-parsing.PyTorch trained it: 79999_iter.pth.

From the paper: the context path with its attention refinement and global context (3.2), the feature fusion (3.3).
From the checkpoint's format: every parameter's name and shape, and what departs from the paper: the trunk's stride-8
features stand for the spatial path, each enlarged map goes through a 3×3 convolution, maps are enlarged by nearest
neighbours inside and by align-corners bilinear interpolation at the end.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.specs import BisenetSpec


class Bisenet(nn.Module):
    """N×3×H×W, ImageNet-normalised, H and W at least 32 → logits N×labels×H×W.

    Of the checkpoint's three heads this is the main one; the other two only helped its training.
    """

    def __init__(self, spec: BisenetSpec) -> None:
        super().__init__()
        self.cp = ContextPath(spec.width)
        self.ffm = FeatureFusion(4 * spec.width)
        self.conv_out = Head(4 * spec.width, spec.labels)

    def forward(self, x: Tensor) -> Tensor:
        fine, context = self.cp(x)
        logits = self.conv_out(self.ffm(torch.cat((fine, context), 1)))
        return F.interpolate(logits, x.shape[-2:], mode="bilinear", align_corners=True)


class ContextPath(nn.Module):
    """N×3×H×W → the trunk's features at stride 8, and the context at stride 8; both have 2·width channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.resnet = Trunk(width)
        self.arm16 = AttentionRefinement(4 * width, 2 * width)
        self.arm32 = AttentionRefinement(8 * width, 2 * width)
        self.conv_head32 = Convolution(2 * width, 2 * width, 3)
        self.conv_head16 = Convolution(2 * width, 2 * width, 3)
        self.conv_avg = Convolution(8 * width, 2 * width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        at8, at16, at32 = self.resnet(x)
        context = self.arm32(at32) + self.conv_avg(at32.mean((2, 3), keepdim=True))
        context = self.arm16(at16) + self.conv_head32(_enlarged(context, at16))
        return at8, self.conv_head16(_enlarged(context, at8))


class Trunk(nn.Module):
    """ResNet-18 (He et al. 2016) without its classifier: N×3×H×W → its maps at strides 8, 16 and 32.

    The names of its parameters are those of torchvision's, and so are the layers; `width` is 64 there.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, 1)
        self.layer2 = _stage(width, 2 * width, 2)
        self.layer3 = _stage(2 * width, 4 * width, 2)
        self.layer4 = _stage(4 * width, 8 * width, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        at8 = self.layer2(self.layer1(x))
        at16 = self.layer3(at8)
        return at8, at16, self.layer4(at16)


class BasicBlock(nn.Module):
    """ResNet's residual block of two 3×3 convolutions (He et al. 2016, figure 5)."""

    def __init__(self, channels_in: int, channels: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class AttentionRefinement(nn.Module):
    """The paper's figure 2(b): each channel times a weight made of all channels' means; the 3×3 is the format's."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = Convolution(channels_in, channels, 3)
        self.conv_atten = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.conv(x)
        attention: Tensor = self.bn_atten(self.conv_atten(features.mean((2, 3), keepdim=True)))
        return features * attention.sigmoid()


class FeatureFusion(nn.Module):
    """The paper's figure 2(c), on both paths' features one behind the other; channels stay as many."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convblk = Convolution(channels, channels, 1)
        self.conv1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.convblk(x)
        attention: Tensor = self.conv2(F.relu(self.conv1(features.mean((2, 3), keepdim=True))))
        return features + features * attention.sigmoid()


class Head(nn.Module):
    """Features → logits, at the features' resolution."""

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, 3)
        self.conv_out = nn.Conv2d(channels, labels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.conv_out(self.conv(x))
        return logits


class Convolution(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels_in: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = F.relu(self.bn(self.conv(x)))
        return features


def _stage(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride > 1:
        projection = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
        shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))
    return nn.Sequential(BasicBlock(channels_in, channels, stride, shortcut), BasicBlock(channels, channels, 1, None))


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="nearest")
