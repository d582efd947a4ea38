"""Networks laid out as NVlabs/SPADE's, for its checkpoints: written from the paper's figures and the published names.

Generator: Park et al. 2019, equation 1 and figures 4 and 11; encoder: figure 14; discriminator: figure 13. The modules
are called as the published state dictionaries call them, and spectral normalisation is that of PyTorch 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")
DOUBLED_BEFORE = {  # the blocks before which the map's side is doubled, by --num_upsampling_layers
    "normal": ("G_middle_0", "up_0", "up_1", "up_2", "up_3"),
    "more": ("G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3"),
    "most": ("G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4"),
}
CLASSES, Z, HIDDEN = 19, 16, 8


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


class SpadeNorm(nn.Module):
    def __init__(self, channels: int, labels: int, hidden: int) -> None:
        super().__init__()
        self.param_free_norm = nn.BatchNorm2d(channels, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(labels, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, label_map: Tensor) -> Tensor:
        shared = self.mlp_shared(F.interpolate(label_map, x.shape[2:], mode="nearest"))
        normed = self.param_free_norm(x)
        scaled: Tensor = normed + normed * self.mlp_gamma(shared) + self.mlp_beta(shared)
        return scaled


class SpadeBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, labels: int, hidden: int) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)
        self.conv_0 = spectral_norm(nn.Conv2d(channels_in, middle, 3, padding=1))
        self.conv_1 = spectral_norm(nn.Conv2d(middle, channels_out, 3, padding=1))
        self.norm_0 = SpadeNorm(channels_in, labels, hidden)
        self.norm_1 = SpadeNorm(middle, labels, hidden)
        self.learned = channels_in != channels_out
        if self.learned:
            self.conv_s = spectral_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False))
            self.norm_s = SpadeNorm(channels_in, labels, hidden)

    def forward(self, x: Tensor, label_map: Tensor) -> Tensor:
        shortcut = self.conv_s(self.norm_s(x, label_map)) if self.learned else x
        inner = self.conv_0(leaky(self.norm_0(x, label_map)))
        inner = self.conv_1(leaky(self.norm_1(inner, label_map)))
        total: Tensor = shortcut + inner
        return total


class Generator(nn.Module):
    """`crop` is the side of the pictures; without `vae` it begins with a convolution of the label map."""

    def __init__(
        self,
        *,
        labels: int = CLASSES,
        ngf: int = 2,
        crop: int = 64,
        layers: str = "normal",
        hidden: int = HIDDEN,
        z: int = Z,
        vae: bool = True,
    ) -> None:
        super().__init__()
        self.doubled_before = DOUBLED_BEFORE[layers]
        self.side, self.wide = crop >> len(self.doubled_before), 16 * ngf
        self.fc: nn.Module = (
            nn.Linear(z, self.wide * self.side**2) if vae else nn.Conv2d(labels, self.wide, 3, padding=1)
        )
        widths = [16 * ngf, 16 * ngf, 16 * ngf, 16 * ngf, 8 * ngf, 4 * ngf, 2 * ngf, ngf]
        self.order = list(BLOCKS)
        if layers == "most":
            self.order.append("up_4")
            widths.append(ngf // 2)
        for name, channels_in, channels_out in zip(self.order, widths, widths[1:], strict=False):
            self.add_module(name, SpadeBlock(channels_in, channels_out, labels, hidden))
        self.conv_img = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, label_map: Tensor, z: Tensor) -> Tensor:
        if isinstance(self.fc, nn.Linear):
            x = self.fc(z).view(-1, self.wide, self.side, self.side)
        else:
            x = self.fc(F.interpolate(label_map, (self.side, self.side)))
        for name in self.order:
            if name in self.doubled_before:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
            x = self.get_submodule(name)(x, label_map)
        return torch.tanh(self.conv_img(leaky(x)))


class Encoder(nn.Module):
    """Six strided convolutions for pictures of 256 pixels or more, five below."""

    def __init__(self, *, ngf: int = 2, crop: int = 256, z: int = Z) -> None:
        super().__init__()
        widths = [3, ngf, 2 * ngf, 4 * ngf, 8 * ngf, 8 * ngf] + [8 * ngf] * (crop >= 256)
        self.layers = len(widths) - 1
        for index in range(self.layers):
            convolve = spectral_norm(nn.Conv2d(widths[index], widths[index + 1], 3, stride=2, padding=1, bias=False))
            self.add_module(f"layer{index + 1}", nn.Sequential(convolve, nn.InstanceNorm2d(widths[index + 1])))
        self.fc_mu, self.fc_var = (nn.Linear(8 * ngf * 16, z) for _ in range(2))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        x = faces
        for index in range(self.layers):
            x = leaky(self.get_submodule(f"layer{index + 1}")(x))
        flat = x.reshape(len(x), -1)
        return self.fc_mu(flat), self.fc_var(flat)


class PatchNet(nn.Module):
    def __init__(self, channels: int, ndf: int, layers: int) -> None:
        super().__init__()
        self.count = layers + 1
        self.model0 = nn.Sequential(nn.Conv2d(channels, ndf, 4, stride=2, padding=2), nn.LeakyReLU(0.2))
        for index in range(1, layers):
            wide, stride = min(2 * ndf, 512), 1 if index == layers - 1 else 2
            convolve = spectral_norm(nn.Conv2d(ndf, wide, 4, stride=stride, padding=2, bias=False))
            normed = nn.Sequential(convolve, nn.InstanceNorm2d(wide))
            self.add_module(f"model{index}", nn.Sequential(normed, nn.LeakyReLU(0.2)))
            ndf = wide
        self.add_module(f"model{layers}", nn.Sequential(nn.Conv2d(ndf, 1, 4, padding=2)))

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = [x]
        for index in range(self.count):
            outputs.append(self.get_submodule(f"model{index}")(outputs[-1]))
        return outputs[1:]


class Discriminator(nn.Module):
    def __init__(self, *, labels: int = CLASSES, ndf: int = 4, layers: int = 4, scales: int = 2) -> None:
        super().__init__()
        self.scales = scales
        for scale in range(scales):
            self.add_module(f"discriminator_{scale}", PatchNet(labels + 3, ndf, layers))

    def forward(self, label_map: Tensor, pictures: Tensor) -> list[list[Tensor]]:
        x = torch.cat([label_map, pictures], 1)
        outputs = []
        for scale in range(self.scales):
            outputs.append(self.get_submodule(f"discriminator_{scale}")(x))
            x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        return outputs


def one_hot(ids: Tensor, channels: int) -> Tensor:
    """N×S×S ids → N×channels×S×S."""
    return F.one_hot(ids, channels).permute(0, 3, 1, 2).float()


def label_ids(side: int, *, count: int = 2, seed: int = 0, classes: int = CLASSES) -> Tensor:
    """Label maps N×S×S of all classes, in patches of several sizes."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, classes, (count, 8, 8), generator=random)
    ids = coarse.repeat_interleave(side // 8, 1).repeat_interleave(side // 8, 2)
    fine = torch.randint(0, classes, (count, side, side // 4), generator=random)
    ids[:, :, side // 2 : side // 2 + side // 4] = fine
    return ids


def trained(network: nn.Module, *inputs: Tensor, seed: int = 0) -> nn.Module:
    """The network with random parameters, after a few steps: its statistics and singular vectors have moved."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            gain = 2.0 if ".mlp_" in name else 0.4 if name.startswith("conv_img") else 1.0
            parameter.normal_(0, gain * (parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.2))
        for _ in range(4):
            network.train()(*inputs)
    return network.eval()


def trained_generator(seed: int = 0, **options: Any) -> Generator:
    labels, crop, z = (options.get(key, usual) for key, usual in (("labels", CLASSES), ("crop", 64), ("z", Z)))
    label_map = one_hot(label_ids(crop, seed=5), labels)
    network = trained(Generator(**options), label_map, torch.randn(2, z), seed=seed)
    assert isinstance(network, Generator)
    return network


def write(folder: Path, networks: Mapping[str, nn.Module], options: str | None = None) -> Path:
    """Save networks by letter (G, E, D) and opt.txt as the folder of a training holds them; the generator's file."""
    folder.mkdir(parents=True, exist_ok=True)
    for letter, network in networks.items():
        torch.save(network.state_dict(), folder / f"latest_net_{letter}.pth")
    if options is not None:
        (folder / "opt.txt").write_text(options)
    return folder / "latest_net_G.pth"
