"""`facesynth transfer`: faces in the style of another face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.value_types import Share
from facesynth.cli.work import Work


@click.command("transfer")
@options.inputs_and_output("CONTENT")
@options.style_option(required=True)
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
    style: Path,
    strength: float,
    paste_back: bool,
    labels: bool,
    schema: str | None,
    painting: dict[str, Any],
    sheet: bool,
) -> None:
    """Paint the faces of photos, or label maps, in the style of another photo's face.

    What is a palette PNG or holds ids in one channel is taken for a label map, all else for a photo.

    \b
    Example: facesynth transfer photos -o painted --style portrait.jpg --sheet
    Example: facesynth transfer photos -o painted --style portrait.jpg --strength 0.5 --paste-back
    """
    if labels and (paste_back or painting["parser"]):
        option = "--paste-back" if paste_back else "--parser"
        raise click.UsageError(f"{option} needs photos, --labels says that there are none")
    from facesynth.jobs.painting import StyleReader, painting_stages
    from facesynth.jobs.transfer import transfer as job

    stages = painting_stages(**painting, engine=engine, **work.networks)
    how: dict[str, Any] = {"strength": strength, "paste_back": paste_back, "schema": schema}
    settings = {"style": style, **how, "labels": labels, **painting, "engine": engine, "precision": work.precision}
    reads = [style, *filter(None, (painting["parser"], painting["generator"]))]
    with work.session("transfer", settings, align=stages.align, reads=reads) as session:
        wanted = StyleReader(session, stages).image(style)
        job(session, stages, wanted, all_labels=labels, sheet=sheet, **how)
