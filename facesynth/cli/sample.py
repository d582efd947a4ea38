"""`facesynth sample`: pictures of seeds, without label maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.class_values import ClassWeights, Names
from facesynth.cli.value_types import SeedRange
from facesynth.cli.weights_argument import weights_and_output
from facesynth.cli.work import Work

if TYPE_CHECKING:
    from facesynth.inference.residual_weights import ResidualWeights


@click.command("sample")
@weights_and_output
@click.option("--seeds", type=SeedRange(), default="0-63", show_default=True, help="A picture a seed: 0-63 or 0,3,8.")
@click.option(
    "--classes",
    type=Names("classes", "cat,dog or 3,5"),
    help="Every seed in each of these classes.  [default: as seeds draw]",
)
@click.option("--per-class", type=click.IntRange(min=1), metavar="N", help="N new seeds of each class, not --seeds.")
@click.option("--attributes", type=ClassWeights(), help="Every seed with these attributes, those not named being 0.")
@click.option("--grid", is_flag=True, help="Add a contact sheet, sheet.png: a row a class, where --classes tells any.")
@options.work_options
def sample(
    work: Work,
    told: ResidualWeights,
    seeds: tuple[int, ...],
    classes: tuple[str, ...] | None,
    per_class: int | None,
    attributes: dict[str, float] | None,
    grid: bool,
) -> None:
    """Make pictures of seeds with WEIGHTS, a generator that needs no label maps. The same seed gives the same picture.

    Each picture's metadata tell its seed, its class and the sha256 of the weights.

    \b
    Example: facesynth sample runs/faces-64-spn-s0/faces-64-spn-s0.safetensors --seeds 0-63 --grid -o samples
    Example: facesynth sample cifar.safetensors --classes cat,dog --seeds 0-9 --grid -o pets
    Example: facesynth sample celeba.safetensors --attributes Smiling=1,Male=0 -o smiles
    """
    if attributes is not None and (classes or per_class):
        raise click.UsageError("--attributes says all of a picture's classes: leave --classes and --per-class out")
    if per_class is not None and options.given("seeds"):
        raise click.UsageError("--per-class counts its own seeds, from 0 on: leave --seeds out")
    from facesynth.jobs.sample import count_of, draws
    from facesynth.jobs.sample import sample as job
    from facesynth.stages.sample import SampleStage

    stage = SampleStage(str(told.path), told.spec.size, **work.networks)
    wanted = draws(told, seeds=seeds, classes=classes or (), per_class=per_class, attributes=attributes)
    count = count_of(told, seeds, classes or (), per_class)
    settings: dict[str, Any] = {"seeds": None if per_class else seeds, "classes": classes, "per_class": per_class,
                                "attributes": attributes, "precision": work.precision}  # fmt: skip
    with work.session("sample", settings, suffixes=frozenset({told.path.suffix.lower()})) as session:
        job(session, stage, told, wanted, count=count, grid=grid)
