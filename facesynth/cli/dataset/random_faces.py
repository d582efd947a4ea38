"""`facesynth dataset random-faces`: photos of people who do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import rich_click as click

from facesynth import weights
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.options import default_cache_dir, log_format_option, quiet_option
from facesynth.cli.progress import console
from facesynth.cli.value_types import Share
from facesynth.datasets.random_faces import FULL_SIZE, RandomFacesPlan, write_random_faces


@click.command("random-faces")
@click.option("--count", type=click.IntRange(min=1), required=True, help="How many faces.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first; they count up."
)
@click.option(
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where to write them."
)
@click.option("--size", type=click.IntRange(16, FULL_SIZE), default=FULL_SIZE, show_default=True, help="Pixels a side.")
@click.option("--truncation", type=Share(), default=0.7, show_default=True, help="0: all alike; 1: wildest.")
@click.option("--format", "image_format", type=click.Choice(["png", "jpeg"]), default="png", show_default=True)
@log_format_option
@quiet_option
def random_faces(
    count: int,
    seed: int,
    output: Path,
    size: int,
    truncation: float,
    image_format: Literal["png", "jpeg"],
    log_format: str,
    quiet: bool,
) -> None:
    """Write photos of people who do not exist, FFHQ-framed, each the same for the same seed. Started again, it goes on.

    They come from a network distilled from StyleGAN2-FFHQ: for non-commercial use. It needs the extra `synthetic` and,
    apart from that, `pip install --no-deps random-face==2021.7.21.1`.

    \b
    Example: facesynth dataset random-faces --count 100 --seed 0 --size 512 -o faces
    """
    kinds = (entry.sha256 for entry in weights.manifest().values() if entry.kind == "faces")
    plan = RandomFacesPlan(count=count, seed=seed, size=size, truncation=truncation, format=image_format)
    with console(log_format, quiet=quiet) as told:
        tell_licences(kinds, told.note, default_cache_dir())
        told.begin(count, "random faces")
        made = write_random_faces(output, plan, on_face=lambda path, new: told.advance())
    click.echo(f"{made} made, {count - made} already there: {output}")
