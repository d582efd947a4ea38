"""Runs of tiny residual networks, of every member of the family, on drawn images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from facesynth.models.resnet_gan.specs import (
    CONDITIONAL,
    GanNormalisation,
    ResnetDiscriminatorSpec,
    ResnetGeneratorSpec,
)
from facesynth.training.runs.settings import Schedule
from facesynth.training.runs.spn import ImageData, SampleWatch, SpnRun
from facesynth.training.start import train_spn

MEMBERS: tuple[GanNormalisation, ...] = ("batch", "instance", "layer", "cbn", "ccbn", "spn", "cspn")
CLASSES = ("boats", "cars", "dogs")


def networks(normalisation: GanNormalisation, **more: object) -> dict[str, object]:
    """Both specs of a tiny run; with the classes of CLASSES where the generator is told one."""
    classes = len(CLASSES) if normalisation in CONDITIONAL else 0
    generator = ResnetGeneratorSpec(
        size=8, width=4, max_width=4, z_channels=8, normalisation=normalisation, classes=classes
    )
    discriminator = ResnetDiscriminatorSpec(width=4, max_width=8, halvings=1, flat=1, classes=classes)
    return {"generator": replace(generator, **more), "discriminator": discriminator}  # type: ignore[arg-type]


def spn_run(folder: Path, **changes: object) -> SpnRun:
    """Four steps of 8 images each: 2 of the discriminator and 1 of the generator, on 8 pictures."""
    run = SpnRun(
        name="tiny",
        data=ImageData(folder=str(folder)),
        images=32,
        batch_size=4,
        n_dis=2,
        generator_batch_size=8,
        ema_half_life=16,
        watch=SampleWatch(images=0),
        every=Schedule(stats=8, validation=0, samples=0, checkpoint=16),
        **networks("spn"),  # type: ignore[arg-type]
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def trained(run: SpnRun, runs: Path, **how: object) -> Path:
    """The weights of a run, or of the rest of it."""
    path = train_spn(run, runs, base=runs, device="cpu", report=ignore, **how)  # type: ignore[arg-type]
    assert path is not None
    return path


def ignore(nimg: int, values: Mapping[str, float]) -> None:
    """A report that nobody reads."""
