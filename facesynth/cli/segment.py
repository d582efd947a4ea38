"""`facesynth segment`: photos or aligned faces in, label maps out."""

from __future__ import annotations

import rich_click as click

from facesynth.cli import options
from facesynth.cli.work import Work


@click.command("segment")
@options.inputs_and_output("PHOTOS")
@click.option("--aligned", is_flag=True, help="The inputs are aligned faces; only labels/ is written.")
@options.parser_option
@options.schema_option("The order of ids in the label maps that are written.", "celebamask-hq")
@click.option(
    "--probabilities", is_flag=True, help="Add probabilities/NAME.npy: 19×H×W float16, by celebamask-hq's ids."
)
@click.option("--parts", is_flag=True, help="Add parts/NAME_CLASS.png: a mask for each of the 19 classes.")
@click.option("--on-photo", is_flag=True, help="Add on-photo/NAME.png: the labels in the photo's own frame.")
@options.landmarks_option
@options.sheet_option
@options.work_options
def segment(
    work: Work,
    aligned: bool,
    parser: str | None,
    schema: str,
    probabilities: bool,
    parts: bool,
    on_photo: bool,
    landmarks: str,
    sheet: bool,
) -> None:
    """Parse every face into 19 classes. Writes images/ (the aligned faces) and labels/ (label maps), ready to train on.

    \b
    Example: facesynth segment photos -o pairs
    Example: facesynth segment faces -o pairs --aligned --parts
    """
    if aligned and on_photo:
        raise click.UsageError("--on-photo needs photos: an aligned face does not know where it came from")
    if aligned and options.given("landmarks"):
        raise click.UsageError("--landmarks is for photos: no face is searched for with --aligned")
    from facesynth.jobs.segment import SegmentOutputs
    from facesynth.jobs.segment import segment as job
    from facesynth.stages.align import AlignStage
    from facesynth.stages.segment import ProbabilitiesStage, SegmentStage

    align = None if aligned else AlignStage(landmarks=landmarks, device=work.device)
    stage = SegmentStage(parser=parser, **work.networks)
    extra = ProbabilitiesStage(parser=parser, **work.networks) if probabilities else None
    files = SegmentOutputs(schema=schema, parts=parts, on_photo=on_photo, sheet=sheet)
    settings = {"parser": parser, "precision": work.precision, "align": align and dict(align.config)}
    with work.session("segment", {**settings, "outputs": files}, align=align) as session:
        job(session, stage, align=align, probabilities=extra, outputs=files)
