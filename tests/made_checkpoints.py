"""Checkpoints as other projects publish them, with random numbers; what the networks inside compute, written anew."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ZLLRUNNING = [
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r", "nose"),
    *("mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
]
"""The order of the classes in zllrunning/face-parsing.PyTorch."""


def bisenet_state(*, width: int = 8, classes: int = 19, seed: int = 0, counters: bool = True) -> dict[str, Tensor]:
    """79999_iter.pth's tensors by their published names: at width 64 those of the file itself, 191 in all."""
    state: dict[str, Tensor] = {}
    random = torch.Generator().manual_seed(seed)

    def convolution(name: str, channels_in: int, channels: int, kernel: int) -> None:
        shape = (channels, channels_in, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=random) / (channels_in * kernel**2) ** 0.5

    def normalisation(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{part}"] = torch.rand(channels, generator=random) + (
                0.5 if part in ("weight", "running_var") else 0
            )
        if counters:
            state[f"{name}.num_batches_tracked"] = torch.tensor(80000)

    def block(name: str, channels_in: int, channels: int, kernel: int) -> None:
        convolution(f"{name}.conv", channels_in, channels, kernel)
        normalisation(f"{name}.bn", channels)

    convolution("cp.resnet.conv1", 3, width, 7)
    normalisation("cp.resnet.bn1", width)
    channels = width
    for stage in range(1, 5):
        wide = width << (stage - 1)
        for unit in range(2):
            name = f"cp.resnet.layer{stage}.{unit}"
            convolution(f"{name}.conv1", channels, wide, 3)
            normalisation(f"{name}.bn1", wide)
            convolution(f"{name}.conv2", wide, wide, 3)
            normalisation(f"{name}.bn2", wide)
            if stage > 1 and unit == 0:
                convolution(f"{name}.downsample.0", channels, wide, 1)
                normalisation(f"{name}.downsample.1", wide)
            channels = wide
    for name, channels in (("cp.arm16", 4 * width), ("cp.arm32", 8 * width)):
        block(f"{name}.conv", channels, 2 * width, 3)
        convolution(f"{name}.conv_atten", 2 * width, 2 * width, 1)
        normalisation(f"{name}.bn_atten", 2 * width)
    block("cp.conv_head32", 2 * width, 2 * width, 3)
    block("cp.conv_head16", 2 * width, 2 * width, 3)
    block("cp.conv_avg", 8 * width, 2 * width, 1)
    block("ffm.convblk", 4 * width, 4 * width, 1)
    convolution("ffm.conv1", 4 * width, width, 1)
    convolution("ffm.conv2", width, 4 * width, 1)
    for name, channels, wide in (
        ("conv_out", 4 * width, 4 * width),
        ("conv_out16", 2 * width, width),
        ("conv_out32", 2 * width, width),
    ):
        block(f"{name}.conv", channels, wide, 3)
        convolution(f"{name}.conv_out", wide, classes, 1)
    return state


def bisenet_logits(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """What the BiSeNet of these tensors answers to N×3×H×W, H and W multiples of 32: N×classes×H×W, main head."""

    def convolved(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def normalised(name: str, x: Tensor) -> Tensor:
        weight, bias, mean, variance = (
            state[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias

    def block(name: str, x: Tensor) -> Tensor:
        return normalised(f"{name}.bn", convolved(f"{name}.conv", x)).clamp_min(0)

    def pooled(x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, 1)

    def refined(name: str, x: Tensor) -> Tensor:
        x = block(f"{name}.conv", x)
        return x * torch.sigmoid(normalised(f"{name}.bn_atten", convolved(f"{name}.conv_atten", pooled(x))))

    def doubled(x: Tensor) -> Tensor:
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    x = normalised("cp.resnet.bn1", convolved("cp.resnet.conv1", x, 2)).clamp_min(0)
    x = F.max_pool2d(x, 3, 2, 1)
    maps = []
    for stage in range(1, 5):
        for unit in range(2):
            name, stride = f"cp.resnet.layer{stage}.{unit}", 2 if stage > 1 and unit == 0 else 1
            inner = normalised(f"{name}.bn1", convolved(f"{name}.conv1", x, stride)).clamp_min(0)
            inner = normalised(f"{name}.bn2", convolved(f"{name}.conv2", inner))
            if stride == 2:
                x = normalised(f"{name}.downsample.1", convolved(f"{name}.downsample.0", x, 2))
            x = (x + inner).clamp_min(0)
        maps.append(x)
    _, at8, at16, at32 = maps
    context = refined("cp.arm32", at32) + block("cp.conv_avg", pooled(at32)).expand(-1, -1, *at32.shape[2:])
    context = refined("cp.arm16", at16) + block("cp.conv_head32", doubled(context))
    context = block("cp.conv_head16", doubled(context))
    fused = block("ffm.convblk", torch.cat([at8, context], 1))
    fused = fused + fused * torch.sigmoid(convolved("ffm.conv2", convolved("ffm.conv1", pooled(fused)).clamp_min(0)))
    logits = convolved("conv_out.conv_out", block("conv_out.conv", fused))
    return F.interpolate(logits, scale_factor=8, mode="bilinear", align_corners=True)
