"""`facesynth segment`: photos or aligned faces in, label maps out."""

from __future__ import annotations

from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.packing_options import packing_options
from facesynth.cli.watch_options import watch_options
from facesynth.cli.work import Work


@click.command("segment")
@options.inputs_and_output("PHOTOS")
@click.option("--aligned", is_flag=True, help="The inputs are aligned faces; only labels/ is written.")
@options.parser_option
@options.parser_schema_option
@options.parser_input_option
@options.schema_option("The order of ids in the label maps that are written:", "celebamask-hq", name="--write-schema")
@click.option(
    "--probabilities",
    is_flag=True,
    help="Add probabilities/NAME.npz: 19×H×W uint8 by celebamask-hq's ids, 255 is certain; about 0.2 MB a face.",
)
@click.option("--parts", is_flag=True, help="Add parts/NAME_CLASS.png: a mask for each of the 19 classes.")
@click.option("--on-photo", is_flag=True, help="Add on-photo/NAME.png: the labels in the photo's own frame.")
@options.landmarks_option
@options.sheet_option
@packing_options
@options.parsing_work_options
@watch_options
def segment(
    work: Work,
    aligned: bool,
    engine: str,
    parser: str | None,
    schema: str | None,
    parser_input: tuple[str, ...],
    write_schema: str,
    probabilities: bool,
    parts: bool,
    on_photo: bool,
    landmarks: str,
    sheet: bool,
    settle: float | None,
    shard_size: int | None,
) -> None:
    """Parse every face into 19 classes. Writes images/ (the aligned faces) and labels/ (label maps), ready to train on.

    \b
    Example: facesynth segment photos -o pairs
    Example: facesynth segment faces -o pairs --aligned --parts
    Example: facesynth segment photos -o packed --output-format shards
    As photos come in: facesynth segment inbox -o pairs --watch
    By another's parser: facesynth segment photos -o pairs --parser bisenet.onnx --schema zllrunning

    PHOTOS are files, folders, patterns, lists (@photos.txt) and tar archives. --watch goes on with what comes to be in
    a folder until Ctrl-C, and exits with 0 or 3 where nothing was left, else 130. --parser takes another project's
    network as its ONNX export.
    """
    if aligned and on_photo:
        raise click.UsageError("--on-photo needs photos: an aligned face does not know where it came from")
    if aligned and options.given("landmarks"):
        raise click.UsageError("--landmarks is for photos: no face is searched for with --aligned")
    for wanted, name in ((parts, "--parts"), (on_photo, "--on-photo")):
        if wanted and shard_size:
            raise click.UsageError(f"{name} writes files of its own: it is for --output-format files")
    from facesynth.inference.foreign.declaration import InputDeclaration
    from facesynth.jobs.packing import Packing
    from facesynth.jobs.segment import IN_SAMPLE, SegmentOutputs, segment_arrivals
    from facesynth.jobs.segment import segment as job
    from facesynth.stages.align import AlignStage
    from facesynth.stages.segment import ProbabilitiesStage, SegmentStage

    align = None if aligned else AlignStage(landmarks=landmarks, device=work.device)
    how: dict[str, Any] = {
        "parser": parser,
        "schema": schema,
        "declared": InputDeclaration.parse(parser_input),
        "engine": engine,
    }
    stage = SegmentStage(**how, **work.networks)
    extra = ProbabilitiesStage(**how, **work.networks) if probabilities else None
    files = SegmentOutputs(schema=write_schema, parts=parts, on_photo=on_photo, sheet=sheet)
    settings: dict[str, Any] = {
        "parser": parser,
        "schema": schema,
        "parser_input": parser_input or None,
        "engine": engine,
        "precision": work.precision,
        "align": align and dict(align.config),
        "outputs": files,
        "settle": settle,
        "shard_size": shard_size,
    }
    more: dict[str, Any] = {
        "reads": [parser] if parser else [],
        "arriving": settle is not None,
        "packing": Packing(shard_size, IN_SAMPLE) if shard_size else None,
    }
    with work.session("segment", settings, align=align, **more) as session:
        if settle is None:
            job(session, stage, align=align, probabilities=extra, outputs=files)
        else:
            segment_arrivals(session, stage, align=align, probabilities=extra, outputs=files, settle=settle)
