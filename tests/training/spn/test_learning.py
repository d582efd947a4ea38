"""A generator comes to make what it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.inference.sampler import Sampler
from facesynth.models.resnet_gan.specs import GanNormalisation
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


@pytest.mark.parametrize("member", ["cbn", "cspn"])
def test_each_class_takes_on_its_own_colour(tmp_path: Path, member: GanNormalisation) -> None:
    """With a discriminator that learns no faster than the generator: one twice as fast leaves a class behind."""
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.clip(np.array(colour) + random.normal(0, 10, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    built = networks(member, width=16, max_width=16)
    built["discriminator"] = replace(built["discriminator"], width=16, max_width=16)  # type: ignore[type-var]
    run = spn_run(
        tmp_path / "images",
        images=9600,
        batch_size=24,
        generator_batch_size=24,
        n_dis=1,
        generator_learning_rate=2e-3,
        discriminator_learning_rate=2e-3,
        decay_images=4800,
        ema_half_life=200,
        every=Schedule(stats=9600, validation=0, samples=0, checkpoint=0),
        **built,
    )
    sampler = Sampler.load(trained(run, tmp_path / "runs"), device="cpu")
    wanted = np.array([COLOURS[name] for name in sampler.classes])
    for label, colour in enumerate(wanted):
        pictures = np.stack([picture.pixels for picture in sampler(range(24), [label] * 24, batch_size=24)])
        assert np.abs(pictures.mean((0, 1, 2)) - colour).max() < 40, f"{sampler.classes[label]}, asked for by its class"
