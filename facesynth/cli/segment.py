"""`facesynth segment`: photos or aligned faces in, label maps out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import (
    inputs_argument,
    landmarks_option,
    output_option,
    parser_option,
    schema_option,
    sheet_option,
    work_options,
)
from facesynth.cli.work import Work


@click.command("segment")
@inputs_argument("PHOTOS")
@output_option
@click.option("--aligned", is_flag=True, help="The inputs are aligned faces; only labels/ is written.")
@parser_option
@schema_option("The order of ids in the label maps that are written.")
@click.option("--probabilities", is_flag=True, help="Add probabilities/NAME.npy: 19×H×W float16.")
@click.option("--parts", is_flag=True, help="Add parts/NAME_CLASS.png: a mask for each of the 19 classes.")
@click.option("--on-photo", is_flag=True, help="Add on-photo/NAME.png: the labels in the photo's own frame.")
@landmarks_option
@sheet_option
@work_options
def segment(
    photos: tuple[str, ...],
    output: Path,
    aligned: bool,
    parser: str | None,
    schema: str | None,
    probabilities: bool,
    parts: bool,
    on_photo: bool,
    landmarks: str,
    sheet: bool,
    device: str,
    precision: str,
    work: Work,
) -> None:
    """Parse every face into 19 classes. Writes images/ (the aligned faces) and labels/ (label maps), ready to train on.

    \b
    Example: facesynth segment photos -o pairs
    Example: facesynth segment faces -o pairs --aligned --parts
    """
    if aligned and on_photo:
        raise click.UsageError("--on-photo needs photos: an aligned face does not know where it came from")
    from facesynth.core.labels import STANDARD
    from facesynth.jobs.segment import SegmentOutputs
    from facesynth.jobs.segment import segment as job
    from facesynth.stages.align import AlignStage
    from facesynth.stages.segment import ProbabilitiesStage, SegmentStage

    how = {"precision": precision, "device": device, "batch_size": work.batch_size}
    align = None if aligned else AlignStage(landmarks=landmarks, device=device)
    stage = SegmentStage(parser=parser, **how)  # type: ignore[arg-type]
    extra = ProbabilitiesStage(parser=parser, **how) if probabilities else None  # type: ignore[arg-type]
    outputs = SegmentOutputs(schema=schema or STANDARD, parts=parts, on_photo=on_photo, sheet=sheet)
    settings = {"parser": parser, "precision": precision, "align": align and dict(align.config), "outputs": outputs}
    with work.session("segment", photos, output, settings) as session:
        job(session, stage, align=align, probabilities=extra, outputs=outputs)
