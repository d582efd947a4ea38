"""`facesynth align`: photos in, aligned faces out."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.options import given, inputs_and_output, landmarks_option, sheet_option, work_options
from facesynth.cli.packing_options import packing_options
from facesynth.cli.watch_options import watch_options
from facesynth.cli.work import Work


@click.command("align")
@inputs_and_output("PHOTOS")
@click.option("--size", type=click.IntRange(16, 2048), default=512, show_default=True, help="Side of a face in pixels.")
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
@packing_options
@work_options
@watch_options
def align(
    work: Work,
    size: int,
    frame: str,
    faces: str,
    landmarks: str,
    sheet: bool,
    settle: float | None,
    shard_size: int | None,
) -> None:
    """Cut a square, upright face out of each photo, wherever there is one: files, folders (recursive) or patterns.

    \b
    Example: facesynth align photos -o faces
    Example: facesynth align photos/*.jpg -o faces --size 256 --faces largest --sheet
    """
    if given("precision") and work.precision != "float32":
        raise click.UsageError(f"--precision {work.precision} is not for align: faces are found at float32 alone")
    from facesynth.jobs.align import align as job
    from facesynth.jobs.packing import Packing
    from facesynth.jobs.watching import watch
    from facesynth.stages.align import AlignStage

    stage = AlignStage(size=size, frame=frame, faces=faces, landmarks=landmarks, device=work.device)
    told = {**stage.config, "sheet": sheet, "settle": settle, "shard_size": shard_size}
    packing = Packing(shard_size) if shard_size else None
    with work.session("align", told, align=stage, arriving=settle is not None, packing=packing) as session:
        if settle is None:
            job(session, stage, sheet=sheet)
        else:
            watch(session, lambda: job(session, stage), settle=settle)
