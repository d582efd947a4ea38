"""`facesynth evaluate generator`: how good the faces are that a generator paints from held-out label maps."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.evaluate.options import json_option, side_option, truth_schema_option
from facesynth.cli.evaluate.picture_options import (
    Names,
    features_option,
    how_options,
    output_option,
    perceptual_option,
)
from facesynth.cli.value_types import SeedRange


@click.command("generator")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR|MANIFEST",
    help="Photos of faces and their label maps: images/ and labels/, or a dataset.",
)
@click.option("--split", metavar="FILE|NAME", help="A split file, or a split that the dataset names.")
@side_option
@truth_schema_option
@options.generator_option
@click.option("--seeds", type=SeedRange(), default="0-2", show_default=True, help="Styles to draw: 0-2 or 0,1,2.")
@click.option("--judge", metavar="NAME|FILE", help="The parser that finds label maps again (default: bundled judge).")
@features_option
@perceptual_option
@click.option("--metrics", type=Names("fid", "kid", "is", "pr"), help="Of sets.  [default: all that the features give]")
@click.option(
    "--identity/--no-identity", default=None, help="Compare face descriptors.  [default: where their model lies here]"
)
@output_option
@json_option
@options.device_option
@options.precision_option
@how_options
def generator(
    data: Path,
    split: str | None,
    side: Any,
    truth_schema: str | None,
    generator: str | None,
    seeds: tuple[int, ...],
    judge: str | None,
    features: str,
    perceptual: str,
    metrics: tuple[str, ...] | None,
    identity: bool | None,
    output: Path | None,
    as_json: bool,
    device: str,
    precision: str,
    how: dict[str, Any],
) -> None:
    """Paint held-out label maps, in their photos' own styles and by seed, and score the pictures, both apart.

    Against the real photos: FID, KID, Inception Score, precision and recall. Label maps found again by a judge, with
    the same judge on the photos as the ceiling. Each picture against its photo: LPIPS, SSIM, PSNR, style by region,
    face descriptors. How far seeds are apart. All that is computed is kept: an evaluation that was stopped goes on.
    Exit code 3 when some faces could not be used.

    \b
    Example: facesynth evaluate generator --data celeba --split official --side test -o scores
    Example: facesynth evaluate generator --data pairs --generator mine.safetensors --features judge --perceptual judge
    """
    from facesynth import weights
    from facesynth.cli.evaluate.picture_options import working
    from facesynth.cli.evaluate.picture_table import table
    from facesynth.cli.evaluate.telling import finish
    from facesynth.evaluation.held_out import open_held_out
    from facesynth.jobs.evaluate.files import EvaluationFiles, picture_contents
    from facesynth.jobs.evaluate.generator import evaluate_generator
    from facesynth.jobs.evaluate.generator_stages import default_metrics, generator_settings, scoring_stages
    from facesynth.jobs.evaluate.seeds import check_seeds

    options.refuse_two_caches(no_cache=how["no_cache"])
    name, judging = generator or weights.default_name("generator"), judge or weights.default_name("judge")
    check_seeds(seeds)
    scoring = scoring_stages(
        judging,
        features=features,
        perceptual=perceptual,
        identity=identity,
        device=device,
        batch_size=how["batch_size"],
    )
    stages = scoring.of(name, precision=precision)
    chosen = metrics or default_metrics(stages.extractor)
    held_out = open_held_out(data, split=split, side=side, truth_schema=truth_schema)
    files = None
    if output is not None:
        named = (Path(path) for path in (split, generator, judge, data) if path is not None)
        read = chain(named, (file for pair in held_out for file in (pair.image, pair.labels)))
        files = EvaluationFiles.into(output, [data], read, faces=True)
    settings = generator_settings(
        stages,
        held_out,
        split=split,
        truth_schema=truth_schema,
        generator=name,
        judge=judging,
        seeds=seeds,
        features=features,
        perceptual=perceptual,
        metrics=chosen,
    )
    with working(how) as (execution, told):
        evaluation = evaluate_generator(
            held_out, stages, execution, name=name, judge=judging, seeds=seeds, metrics=chosen, settings=settings
        )
        told.close()
        finish(picture_contents(evaluation), table(evaluation), files, exit_code=evaluation.exit_code, as_json=as_json)
