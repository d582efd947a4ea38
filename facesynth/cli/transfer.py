"""`facesynth transfer`: faces in the style of another face."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import (
    generator_option,
    inputs_argument,
    landmarks_option,
    output_option,
    parser_option,
    schema_option,
    sheet_option,
    work_options,
)
from facesynth.cli.work import Work


@click.command("transfer")
@inputs_argument("CONTENT")
@output_option
@click.option(
    "--style", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=True, help="Whose style to take."
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="0 keeps the content's own style (for label maps: the mean style), 1 takes all of the other.",
)
@click.option("--paste-back", is_flag=True, help="Blend the faces into their photos and write the photos.")
@click.option("--labels", is_flag=True, help="Take every input for a label map.")
@schema_option("The order of ids in label maps, where they do not say.")
@parser_option
@generator_option
@landmarks_option
@sheet_option
@work_options
def transfer(
    content: tuple[str, ...],
    output: Path,
    style: Path,
    strength: float,
    paste_back: bool,
    labels: bool,
    schema: str | None,
    parser: str | None,
    generator: str | None,
    landmarks: str,
    sheet: bool,
    device: str,
    precision: str,
    work: Work,
) -> None:
    """Paint the faces of photos, or label maps, in the style of another photo's face.

    What is a palette PNG or holds ids in one channel is taken for a label map, all else for a photo.

    \b
    Example: facesynth transfer photos -o painted --style portrait.jpg --sheet
    Example: facesynth transfer photos -o painted --style portrait.jpg --strength 0.5 --paste-back
    """
    if labels and paste_back:
        raise click.UsageError("--paste-back needs photos, --labels says that there are none")
    from facesynth.jobs.painting import StyleReader, painting_stages
    from facesynth.jobs.transfer import transfer as job

    stages = painting_stages(generator, parser=parser, landmarks=landmarks, precision=precision, device=device,
                             batch_size=work.batch_size)  # fmt: skip
    settings = {"style": style, "strength": strength, "paste_back": paste_back, "labels": labels, "schema": schema,
                "parser": parser, "generator": generator, "precision": precision}  # fmt: skip
    with work.session("transfer", content, output, settings) as session:
        wanted = StyleReader(session, stages).image(style)
        job(session, stages, wanted, strength=strength, paste_back=paste_back, all_labels=labels, schema=schema,
            sheet=sheet)  # fmt: skip
