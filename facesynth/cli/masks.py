"""`facesynth masks`: what self pixel-wise normalisation finds by itself."""

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


@click.command("masks")
@weights_and_output
@click.option("--seeds", type=SeedRange(), default="0-63", show_default=True, help="Pictures to look into.")
@click.option(
    "--layers",
    type=Names("layers", "1,last"),
    metavar="N|NAME|last,...",
    help="Layers with masks, from 1.  [default: all]",
)
@click.option("--channels", type=click.IntRange(1, 16), default=4, show_default=True, help="Drawn of each layer.")
@click.option("--rows", type=click.IntRange(1, 64), default=8, show_default=True, help="Seeds that are drawn.")
@click.option("--attributes", type=ClassWeights(), help="Every seed with these attributes, those not named being 0.")
@options.parser_option
@click.option("--no-parser", is_flag=True, help="Draw alone: for pictures that show no faces.")
@options.parsing_work_options
def masks(
    work: Work,
    engine: str,
    told: ResidualWeights,
    seeds: tuple[int, ...],
    layers: tuple[str, ...] | None,
    channels: int,
    rows: int,
    attributes: dict[str, float] | None,
    parser: str | None,
    no_parser: bool,
) -> None:
    """Draw the masks that WEIGHTS, a generator with SPN, finds by itself, with their γ and β, and measure whether they
    find the face.

    Each layer's sheet shows the masks that vary most over the picture. Every mask is compared with what the parser
    finds in the picture: channel and threshold are chosen on half of the pictures and scored on the others, beside
    other pictures' masks (chance), one fixed mask, and a mask of ones. report.html, masks.json and the sheets go to
    DIR, the table to stdout. Without faces give --no-parser: then nothing is measured.

    \b
    Example: facesynth masks runs/faces-64-spn-s0/faces-64-spn-s0.safetensors -o masks
    Example: facesynth masks cifar.safetensors --no-parser --layers last --channels 8 -o masks
    Example: facesynth masks celeba.safetensors --attributes Smiling=1,Male=0 -o masks
    """
    if no_parser and parser is not None:
        raise click.UsageError("--parser names a parser, --no-parser wants none: give one of them")
    from facesynth.jobs.masks import Drawing, attributes_told, check_masks
    from facesynth.jobs.masks import masks as job
    from facesynth.stages.sample import SampleStage
    from facesynth.stages.segment import SegmentStage

    check_masks(told, seeds)
    weights = attributes_told(told, attributes)
    sample = SampleStage(str(told.path), told.spec.size, **work.networks)
    segment = None if no_parser else SegmentStage(parser, engine=engine, **work.networks)
    drawing = Drawing(channels=channels, rows=rows, layers=layers or ())
    settings: dict[str, Any] = {"seeds": seeds, "layers": layers, "channels": channels, "rows": rows,
                                "attributes": attributes, "parser": parser, "no_parser": no_parser,
                                "precision": work.precision}  # fmt: skip
    reads = [parser] if parser else []
    with work.session("masks", settings, suffixes=frozenset({told.path.suffix.lower()}), reads=reads) as session:
        found = job(session, sample, segment, told, seeds, drawing, weights)
        if found is not None:
            click.echo("\n".join(found.table()))
