"""Networks whose layers tell pictures apart more as people do; they are never trained here."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models import imagenet
from facesynth.models.trunks import MobileNetV2

# After relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, with pix2pixHD's weights.
_VGG_TAPS, _VGG_WEIGHTS = (1, 6, 11, 20, 29), (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class MobileNetFeatures(nn.Module):
    """The five bottleneck outputs of MobileNetV2, each weighing the same."""

    weights: tuple[float, ...] = (0.2, 0.2, 0.2, 0.2, 0.2)

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MobileNetV2()

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.trunk(x)
        return maps


class Vgg19Features(nn.Module):
    """VGG19 after relu1_1 … relu5_1 (Wang et al. 2018)."""

    weights: tuple[float, ...] = _VGG_WEIGHTS

    def __init__(self) -> None:
        from torchvision.models import vgg19  # its import takes seconds, and few need it

        super().__init__()
        self.features: nn.Sequential = vgg19(weights=None).features[: _VGG_TAPS[-1] + 1]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _VGG_TAPS:
                maps.append(x)
        return maps


class PerceptualDistance(nn.Module):
    """Weighted mean of |features(a) - features(b)|, each layer relative to the mean size of b's: N×3×H×W, -1..1.

    NVlabs feeds VGG pictures in -1..1; here they are normalised as ImageNet's were, which the features expect.
    `joined` makes of this process's mean size that of all processes, where a batch is shared out to several.
    """

    def __init__(self, features: MobileNetFeatures | Vgg19Features) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)
        self.joined: Callable[[Tensor], Tensor] = lambda mean: mean
        self.register_buffer("mean", torch.tensor(imagenet.MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(imagenet.STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor, references: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features(self._prepared(references))
        found = self.features(self._prepared(pictures))
        total = torch.zeros((), device=pictures.device)
        for weight, one, other in zip(self.features.weights, found, wanted, strict=True):
            scale = self.joined(other.float().abs().mean()).clamp_min(1e-6)
            total = total + weight * F.l1_loss(one.float(), other.float()) / scale
        return total

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Stay in evaluation mode: the features are fixed."""
        return super().train(False)

    def _prepared(self, pictures: Tensor) -> Tensor:
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        return ((pictures * 0.5 + 0.5) - mean) / std
