"""`facesynth evaluate samples`: how near the pictures of a generator without label maps come to real images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.evaluate.options import json_option
from facesynth.cli.evaluate.picture_options import Names, features_option, how_options, output_option
from facesynth.cli.evaluate.sample_options import SeedSpan, count_option, layout_option, part_option


@click.command("samples")
@click.argument("weights")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The real images: a folder, one with a folder a class, CIFAR's, or with CelebA's attributes.",
)
@part_option
@layout_option
@count_option
@click.option(
    "--seeds", type=SeedSpan(), help="Where the seeds begin, or which they are: 5000 or 0-4999.  [default: 0]"
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="So many sets of seeds, none in two of them: mean ± sd over these sets.",
)
@click.option("--metrics", type=Names("fid", "kid", "is", "pr"), help="Those to take.  [default: all of the features]")
@features_option
@output_option
@json_option
@options.device_option
@options.precision_option
@how_options
def samples(
    weights: str,
    data: Path,
    part: Any,
    layout: Any,
    count: int | None,
    seeds: tuple[int, int | None] | None,
    trials: int,
    metrics: tuple[str, ...] | None,
    features: str,
    output: Path | None,
    as_json: bool,
    device: str,
    precision: str,
    how: dict[str, Any],
) -> None:
    """Paint pictures of seeds by WEIGHTS, a generator without label maps, and compare them as a set with real images:
    FID, KID, Inception Score, precision and recall.

    Real images are drawn by a fixed seed, so the same ones are met by every generator, and brought to its size. Real
    against real, two halves of them, is printed beside every distance. All that is computed is kept.

    \b
    Example: facesynth evaluate samples spn.safetensors --data cifar-10-batches-bin -o scores
    Example: facesynth evaluate samples spn.safetensors --data faces --features mobilenet-v2-imagenet --count 2000
    """
    from facesynth.cli.evaluate.picture_options import working
    from facesynth.cli.evaluate.picture_table import table
    from facesynth.cli.evaluate.telling import finish
    from facesynth.jobs.evaluate.files import EvaluationFiles, picture_contents
    from facesynth.jobs.evaluate.recipes import recipe_of
    from facesynth.jobs.evaluate.sample_stages import RealImages, sample_settings, set_scoring
    from facesynth.jobs.evaluate.sampled_pictures import Sampling
    from facesynth.jobs.evaluate.samples import evaluate_samples

    options.refuse_two_caches(no_cache=how["no_cache"])
    sampling = Sampling.asked(seeds, count, trials)
    scoring = set_scoring(metrics, features=features, device=device, batch_size=how["batch_size"])
    stages = scoring.of(weights, precision=precision)
    real = RealImages.open(data, layout, part)
    files = None if output is None else EvaluationFiles.into(output, [data], [stages.told.path], faces=True)
    settings = sample_settings(stages, real, sampling, features=features, recipe=recipe_of(weights))
    with working(how) as (execution, told):
        evaluation = evaluate_samples(real, stages, sampling, execution, settings=settings)
        told.close()
        finish(picture_contents(evaluation), table(evaluation), files, exit_code=evaluation.exit_code, as_json=as_json)
