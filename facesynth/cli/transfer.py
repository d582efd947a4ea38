"""`facesynth transfer`: faces in the style of another face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.value_types import RegionImage, Share
from facesynth.cli.work import Work


@click.command("transfer")
@options.inputs_and_output("CONTENT")
@options.style_option
@click.option(
    "--region",
    "regions",
    type=RegionImage(),
    multiple=True,
    help="Paint a region in the style of an image's face: hair=IMAGE. May be given for several regions, and needs a "
    "generator that has a style for each.",
)
@click.option(
    "--strength",
    type=Share(),
    default=1.0,
    show_default=True,
    help="0 keeps the content's own style (for label maps: the mean style), 1 takes all of the other.",
)
@click.option("--paste-back", is_flag=True, help="Blend the faces into their photos and write the photos.")
@click.option("--labels", is_flag=True, help="Take every input for a label map.")
@options.schema_option("The order of ids in label maps, where they do not say.")
@options.together(
    "painting",
    parser=options.parser_option,
    generator=options.generator_option,
    landmarks=options.landmarks_option,
)
@options.sheet_option
@options.parsing_work_options
def transfer(
    work: Work,
    engine: str,
    style: Path | None,
    regions: tuple[tuple[str, Path], ...],
    strength: float,
    paste_back: bool,
    labels: bool,
    schema: str | None,
    painting: dict[str, Any],
    sheet: bool,
) -> None:
    """Paint the faces of photos, or label maps, in the style of another photo's face, or of regions of some.

    What is a palette PNG or holds ids in one channel is taken for a label map, all else for a photo.

    \b
    Example: facesynth transfer photos -o painted --style portrait.jpg --sheet
    Example: facesynth transfer photos -o painted --style portrait.jpg --strength 0.5 --paste-back
    """
    if style is None and not regions:
        raise click.UsageError("give --style IMAGE, or --region NAME=IMAGE")
    if labels and (paste_back or painting["parser"]):
        option = "--paste-back" if paste_back else "--parser"
        raise click.UsageError(f"{option} needs photos, --labels says that there are none")
    from facesynth.jobs.painting import StyleReader, painting_stages
    from facesynth.jobs.transfer import transfer as job

    stages = painting_stages(**painting, engine=engine, **work.networks)
    how: dict[str, Any] = {"strength": strength, "paste_back": paste_back, "schema": schema}
    named = [f"{name}={path}" for name, path in regions]
    settings = {"style": style, "regions": named, **how, "labels": labels,
                **painting, "engine": engine, "precision": work.precision}  # fmt: skip
    photos = [*filter(None, [style]), *(path for _, path in regions)]
    reads = [*photos, *filter(None, (painting["parser"], painting["generator"]))]
    with work.session("transfer", settings, align=stages.align, reads=reads) as session:
        reader = StyleReader(session, stages)
        others = reader.regions(regions)
        wanted = reader.image(style) if style else None
        job(session, stages, wanted, regions=others, all_labels=labels, sheet=sheet, **how)
