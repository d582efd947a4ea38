"""`facesynth synthesize`: label maps in, faces out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import (
    SeedRange,
    generator_option,
    inputs_argument,
    output_option,
    schema_option,
    sheet_option,
    size_option,
    work_options,
)
from facesynth.cli.work import Work


@click.command("synthesize")
@inputs_argument("LABELS")
@output_option
@click.option("--style", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Take this face's style.")
@click.option("--seeds", type=SeedRange(), help="Paint once for each seed (default: 0).")
@click.option("--interpolate", nargs=2, metavar="A B", help="Paint what lies between two seeds or style images.")
@click.option("--frames", type=click.IntRange(2, 999), default=8, show_default=True, help="Pictures from A to B.")
@generator_option
@size_option
@schema_option("The order of ids in the label maps, where they do not say.")
@sheet_option
@work_options
def synthesize(
    labels: tuple[str, ...],
    output: Path,
    style: Path | None,
    seeds: tuple[int, ...] | None,
    interpolate: tuple[str, str] | None,
    frames: int,
    generator: str | None,
    size: int | None,
    schema: str | None,
    sheet: bool,
    device: str,
    precision: str,
    work: Work,
) -> None:
    """Paint a face from each label map, in the style of a photo or of a seed. The same seed gives the same picture.

    \b
    Example: facesynth synthesize pairs/labels -o painted --seeds 0-3 --sheet
    Example: facesynth synthesize pairs/labels -o painted --style portrait.jpg
    """
    if sum(choice is not None for choice in (style, seeds, interpolate)) > 1:
        raise click.UsageError("--style, --seeds and --interpolate exclude one another")
    from facesynth.core.label_files import LABEL_SUFFIXES
    from facesynth.jobs.painting import StyleReader, painting_stages
    from facesynth.jobs.synthesize import VARIANT_TAIL, Variant, between, by_seeds
    from facesynth.jobs.synthesize import synthesize as job

    stages = painting_stages(generator, size=size, precision=precision, device=device, batch_size=work.batch_size)
    settings = {"style": style, "seeds": seeds, "interpolate": interpolate, "frames": interpolate and frames,
                "generator": generator, "size": size, "precision": precision, "schema": schema}  # fmt: skip
    more = {"suffixes": LABEL_SUFFIXES, "tail": VARIANT_TAIL}
    with work.session("synthesize", labels, output, settings, **more) as session:
        read = StyleReader(session, stages)
        if style is not None:
            variants = [Variant("", read.image(style))]
        elif interpolate is not None:
            first, second = (read.named(name) for name in interpolate)
            variants = between(first, second, frames)
        else:
            variants = by_seeds(seeds or (0,))
        job(session, stages.synthesize, variants, schema=schema, sheet=sheet)
