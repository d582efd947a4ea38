"""A generator comes to make what it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facesynth.inference.sampler import Sampler
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import GanNormalisation, ResnetGeneratorSpec
from facesynth.training.runs.settings import Schedule
from tests.training.spn.tiny import networks, spn_run, trained

COLOUR = np.array((220, 40, 40))
COLOURS = {"boats": (30, 60, 220), "cars": (220, 40, 40), "dogs": (40, 200, 60)}


def test_pictures_take_on_the_colour_of_the_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(8):
        pixels = np.clip(COLOUR + random.normal(0, 10, (8, 8, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    built = networks("spn", width=16, max_width=16)
    built["discriminator"] = replace(built["discriminator"], width=16, max_width=16)  # type: ignore[type-var]
    run = spn_run(
        folder,
        images=2400,
        batch_size=8,
        n_dis=1,
        generator_learning_rate=1e-3,
        discriminator_learning_rate=2e-3,
        decay_images=2400,
        ema_half_life=100,
        every=Schedule(stats=2400, validation=0, samples=0, checkpoint=0),
        **built,
    )
    sampler = Sampler.load(trained(run, tmp_path / "runs"), device="cpu")
    pictures = np.stack([picture.pixels for picture in sampler(range(24), batch_size=24)])
    assert np.abs(pictures.mean((0, 1, 2)) - COLOUR).max() < 25, "they began at grey"


@pytest.mark.parametrize("member", ["cbn", "ccbn", "cspn"])
def test_each_class_can_take_on_its_own_colour(member: GanNormalisation) -> None:
    """With a judge that is always right; a discriminator of this size leaves a class behind with every other seed."""
    torch.manual_seed(0)
    generator = ResnetGenerator(
        ResnetGeneratorSpec(size=8, z_channels=8, width=16, max_width=16, normalisation=member, classes=len(COLOURS))
    )
    adam = torch.optim.Adam(generator.parameters(), lr=5e-3, betas=(0.0, 0.9))
    wanted = torch.tensor([*COLOURS.values()]) / 127.5 - 1
    for _ in range(150):
        ids = torch.randint(0, len(COLOURS), (24,))
        loss = (generator(torch.randn(24, 8), ids) - wanted[ids, :, None, None]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        for label, colour in enumerate(wanted):
            made = generator.eval()(torch.randn(24, 8), torch.full((24,), label)).mean((0, 2, 3))
            assert (made - colour).abs().max() < 0.5, f"class {label}"
