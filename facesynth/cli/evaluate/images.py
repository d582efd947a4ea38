"""`facesynth evaluate images`: how near a folder of generated pictures comes to a folder of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.evaluate.options import json_option
from facesynth.cli.evaluate.picture_options import (
    Names,
    features_option,
    how_options,
    output_option,
    perceptual_option,
)

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("images")
@click.argument("generated", type=_FOLDER)
@click.option("--real", type=_FOLDER, required=True, metavar="DIR", help="The real pictures.")
@click.option("--paired", is_flag=True, help="Each picture belongs to the real one of its name: compare these too.")
@click.option(
    "--metrics",
    type=Names("fid", "kid", "is", "pr", "lpips", "ssim", "psnr", "identity"),
    help="Those to take, lpips to identity of pairs.  [default: all but identity]",
)
@features_option
@perceptual_option
@output_option
@json_option
@options.device_option
@how_options
def images(
    generated: Path,
    real: Path,
    paired: bool,
    metrics: tuple[str, ...] | None,
    features: str,
    perceptual: str,
    output: Path | None,
    as_json: bool,
    device: str,
    how: dict[str, Any],
) -> None:
    """Compare GENERATED pictures with real ones: FID, KID, Inception Score, precision and recall, and of pairs LPIPS,
    SSIM, PSNR and whether they show the same person.

    The pictures of a folder are of one size; real ones are brought to that of the generated ones. Real against real,
    two halves of them, is printed beside every distance. All that is computed is kept: an evaluation that was stopped
    goes on. Exit code 3 when some pictures could not be read.

    \b
    Example: facesynth evaluate images painted --real photos -o scores
    Example: facesynth evaluate images painted --real photos --paired --features judge --perceptual judge
    """
    from facesynth.cli.evaluate.picture_options import working
    from facesynth.cli.evaluate.picture_table import table
    from facesynth.cli.evaluate.telling import finish
    from facesynth.jobs.evaluate.files import EvaluationFiles, picture_contents
    from facesynth.jobs.evaluate.image_stages import image_stages
    from facesynth.jobs.evaluate.images import evaluate_images
    from facesynth.jobs.evaluate.picture_folders import PictureFolder

    options.refuse_two_caches(no_cache=how["no_cache"])
    stages = image_stages(
        metrics,
        paired=paired,
        features=features,
        perceptual=perceptual,
        device=device,
        batch_size=how["batch_size"],
    )
    folders = PictureFolder.open(generated), PictureFolder.open(real)
    files = None
    if output is not None:
        read = (file for folder in folders for file in folder.files.values())
        files = EvaluationFiles.into(output, [generated, real], read, faces=True)
    settings = {
        "generated": str(generated),
        "real": str(real),
        "paired": paired,
        "metrics": stages.chosen,
        "features": features,
        "perceptual": perceptual,
        "device": device,
    }
    with working(how) as (execution, told):
        evaluation = evaluate_images(*folders, stages, execution, settings=settings)
        told.close()
        finish(picture_contents(evaluation), table(evaluation), files, exit_code=evaluation.exit_code, as_json=as_json)
