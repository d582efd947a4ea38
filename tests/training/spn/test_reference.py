"""A conditional step is that of the projection discriminator's paper, written down here once more and apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from facesynth.datasets.image_sets import PackedImages
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.training.budget import Stopwatch
from facesynth.training.spn.batches import Batches
from facesynth.training.spn.job import SpnJob
from tests.training.spn.tiny import CLASSES, networks, spn_run

IMAGES, N_DIS, STEPS = 6, 2, 4
GENERATOR_RATE, DISCRIMINATOR_RATE = 1e-3, 2e-3


class Critic:
    """D(x, y) = s(φ(x)) + e_y·φ(x) with spectral normalisation (Miyato and Koyama 2018, equation 8)."""

    def __init__(self, network: ResnetDiscriminator) -> None:
        state = {name.replace(".parametrizations.weight", ""): value for name, value in network.state_dict().items()}
        self.own = {n: v.clone().requires_grad_() for n, v in state.items() if n.endswith(("original", "bias"))}
        self.right = {n.removesuffix(".0._v"): v.clone() for n, v in state.items() if n.endswith("_v")}

    def weight(self, name: str) -> Tensor:
        """W/σ after one more power iteration."""
        weight = self.own[f"{name}.original"]
        with torch.no_grad():
            left = F.normalize(weight.flatten(1) @ self.right[name], dim=0)
            self.right[name] = F.normalize(weight.flatten(1).T @ left, dim=0)
        normalised: Tensor = weight / (left @ weight.flatten(1) @ self.right[name])
        return normalised

    def convolved(self, name: str, x: Tensor, padding: int = 1) -> Tensor:
        return F.conv2d(x, self.weight(name), self.own[f"{name}.bias"], padding=padding)

    def __call__(self, x: Tensor, classes: Tensor) -> Tensor:
        h = self.convolved("blocks.0.conv_1", F.relu(self.convolved("blocks.0.conv_0", x)))
        x = F.avg_pool2d(h, 2) + self.convolved("blocks.0.shortcut", F.avg_pool2d(x, 2), padding=0)
        x = x + self.convolved("blocks.1.conv_1", F.relu(self.convolved("blocks.1.conv_0", F.relu(x))))
        features = F.relu(x).sum((2, 3))
        rows = self.weight("embedding")
        chosen = torch.stack([rows[int(each)] for each in classes])
        return F.linear(features, self.weight("score"), self.own["score.bias"])[:, 0] + (chosen * features).sum(1)


class Painter:
    """One residual block upwards with conditional batch normalisation."""

    def __init__(self, network: ResnetGenerator) -> None:
        self.own = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}

    def normalised(self, name: str, x: Tensor, classes: Tensor) -> Tensor:
        deviation = (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
        rows = torch.stack([self.own[f"{name}.table.weight"][int(each)] for each in classes])[:, :, None, None]
        gamma, beta = rows[:, : x.shape[1]], rows[:, x.shape[1] :]
        return (1 + gamma) * (x - x.mean((0, 2, 3), keepdim=True)) / deviation + beta

    def __call__(self, z: Tensor, classes: Tensor) -> Tensor:
        x = (z @ self.own["first.weight"].T).view(len(z), -1, 4, 4)
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        h = F.relu(self.normalised("blocks.0.norm_0", x, classes))
        h = F.conv2d(h, self.own["blocks.0.conv_0.weight"], padding=1)
        h = F.relu(self.normalised("blocks.0.norm_1", h, classes))
        x = x + F.conv2d(h, self.own["blocks.0.conv_1.weight"], padding=1)
        deviation = (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
        x = (x - x.mean((0, 2, 3), keepdim=True)) / deviation
        x = x * (1 + self.own["norm.gamma"][:, None, None]) + self.own["norm.beta"][:, None, None]
        return torch.tanh(F.conv2d(F.relu(x), self.own["picture.weight"], padding=1))


def test_conditional_steps_are_those_of_the_paper() -> None:
    """Weights of both networks after some steps, in float64: classes are paired with their pictures throughout."""
    targets = np.arange(2 * IMAGES) % len(CLASSES)
    pictures = np.random.default_rng(0).integers(0, 256, (2 * IMAGES, 8, 8, 3), dtype=np.uint8)
    packed = PackedImages(pictures, targets, CLASSES, "d")
    run = spn_run(
        Path(),
        images=STEPS * N_DIS * IMAGES,
        batch_size=IMAGES,
        n_dis=N_DIS,
        generator_learning_rate=GENERATOR_RATE,
        discriminator_learning_rate=DISCRIMINATOR_RATE,
        **networks("cbn", width=6, max_width=6),
    )
    torch.manual_seed(0)
    generator, discriminator = ResnetGenerator(run.generator).double(), ResnetDiscriminator(run.discriminator).double()
    painter, critic = Painter(generator), Critic(discriminator)
    fabric = Fabric(accelerator="cpu", devices=1, precision="64-true")
    job = SpnJob(run, generator, discriminator, Batches(packed, run, fabric.device), fabric, Stopwatch(None))
    of_critic = torch.optim.Adam(critic.own.values(), DISCRIMINATOR_RATE, (0.0, 0.9))
    of_painter = torch.optim.Adam(painter.own.values(), GENERATOR_RATE, (0.0, 0.9))
    batches = Batches(packed, run, fabric.device)
    for start in range(0, run.images, run.images_a_step):
        job.step(start)
        for nimg in range(start, start + run.images_a_step, IMAGES):
            real, drawn = batches.images(nimg), batches.against(nimg)
            assert real.condition is not None and drawn.condition is not None
            with torch.no_grad():
                fake = painter(drawn.noise.double(), drawn.condition)
            both = torch.cat([real.pictures.double(), fake])
            of_real, of_fake = critic(both, torch.cat([real.condition, drawn.condition])).chunk(2)
            of_critic.zero_grad()
            torch.autograd.backward(F.relu(1 - of_real).mean() + F.relu(1 + of_fake).mean())
            of_critic.step()
        drawn = batches.generating(start)
        assert drawn.condition is not None
        of_painter.zero_grad()
        torch.autograd.backward(-critic(painter(drawn.noise.double(), drawn.condition), drawn.condition).mean())
        of_painter.step()
    for name, value in generator.named_parameters():
        assert torch.allclose(value, painter.own[name], rtol=0, atol=1e-6), name
    for name, value in discriminator.named_parameters():
        assert torch.allclose(value, critic.own[name.replace(".parametrizations.weight", "")], rtol=0, atol=1e-6), name
