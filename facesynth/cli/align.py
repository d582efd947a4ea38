"""`facesynth align`: photos in, aligned faces out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import inputs_argument, landmarks_option, output_option, sheet_option, work_options
from facesynth.cli.work import Work


@click.command("align")
@inputs_argument("PHOTOS")
@output_option
@click.option("--size", type=click.IntRange(16, 4096), default=512, show_default=True, help="Side of a face in pixels.")
@click.option(
    "--frame",
    type=click.Choice(["ffhq", "celeba-hq"]),
    default="ffhq",
    show_default=True,
    help="Whose recipe places the face in its square.",
)
@click.option(
    "--faces", type=click.Choice(["all", "largest", "center"]), default="all", show_default=True, help="Which ones."
)
@landmarks_option
@sheet_option
@work_options
def align(
    photos: tuple[str, ...],
    output: Path,
    size: int,
    frame: str,
    faces: str,
    landmarks: str,
    sheet: bool,
    device: str,
    precision: str,
    work: Work,
) -> None:
    """Cut a square, upright face out of each photo, wherever there is one: files, folders (recursive) or patterns.

    \b
    Example: facesynth align photos -o faces
    Example: facesynth align photos/*.jpg -o faces --size 256 --faces largest --sheet
    """
    from facesynth.jobs.align import align as job
    from facesynth.stages.align import AlignStage

    stage = AlignStage(size=size, frame=frame, faces=faces, landmarks=landmarks, device=device)
    settings = {**stage.config, "sheet": sheet}
    with work.session("align", photos, output, settings) as session:
        session.execution.progress.note(f"landmarks by {stage.detector}")
        job(session, stage, sheet=sheet)
