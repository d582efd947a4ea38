"""`facesynth evaluate parser`: how well a parser does on faces whose true label maps are known."""

from __future__ import annotations

import contextlib
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.evaluate.options import (
    json_option,
    output_option,
    side_option,
    truth_schema_option,
    workers_option,
)
from facesynth.cli.value_types import BatchSize
from facesynth.cli.work import RUN_BATCH


@click.command("parser")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR|MANIFEST",
    help="Faces and their true label maps: images/ and labels/, or a dataset.",
)
@click.option("--split", metavar="FILE|NAME", help="A split file, or a split that the dataset names.")
@side_option
@options.parser_option
@truth_schema_option
@output_option
@json_option
@options.device_option
@click.option(
    "--precision",
    type=click.Choice(["float32", "bf16", "fp16"]),
    default="float32",
    show_default=True,
    help="Of the network's arithmetic.",
)
@click.option("--batch-size", type=BatchSize(), default="auto", show_default=True, help="Faces computed at once.")
@workers_option
@options.cache_option
@click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier work.")
@click.option("--force", is_flag=True, help="Parse everything again.")
@options.log_format_option
@options.quiet_option
def parser(
    data: Path,
    split: str | None,
    side: Any,
    parser: str | None,
    truth_schema: str | None,
    output: Path | None,
    as_json: bool,
    device: str,
    precision: str,
    batch_size: int | None,
    workers: int,
    cache: Path,
    no_cache: bool,
    force: bool,
    log_format: str,
    quiet: bool,
) -> None:
    """Parse faces and compare with their true label maps: mean IoU, pixel accuracy, F1, each class, the confusion
    matrix.

    One confusion matrix over all pixels, each face at the size of its label map. What was parsed is kept: an evaluation
    that was stopped goes on. Exit code 3 when some faces could not be scored.

    \b
    Example: facesynth evaluate parser --data pairs
    Example: facesynth evaluate parser --data celeba --split split.json --side test --parser mine.safetensors -o scores
    """
    from facesynth import weights
    from facesynth.cli.evaluate.telling import finish, told_of
    from facesynth.evaluation.held_out import open_held_out
    from facesynth.jobs.evaluate_files import EvaluationFiles
    from facesynth.jobs.evaluate_parser import evaluate_parser
    from facesynth.jobs.session import Execution
    from facesynth.stages.segment import SegmentStage
    from facesynth.store import ArtifactStore

    if no_cache and options.given("cache"):
        raise click.UsageError("--cache names a cache, --no-cache uses none: give one of them")
    name = parser or weights.default_name("parser")
    stage = SegmentStage(parser=parser, precision=precision, device=device, batch_size=batch_size)
    held_out = open_held_out(data, split=split, side=side, truth_schema=truth_schema)
    files = None
    if output is not None:
        named = (Path(path) for path in (split, parser, data) if path is not None)
        read = chain(named, (file for pair in held_out for file in (pair.image, pair.labels)))
        files = EvaluationFiles.into(output, [data], read)
    settings = {
        "data": str(data),
        "split": split,
        "side": held_out.side,
        "parser": name,
        "truth_schema": truth_schema,
        "precision": precision,
        "device": device,
        "batch_size": batch_size,
    }
    kept = "nothing is kept" if no_cache else "what is parsed is kept, run the same command again to go on"
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(told_of(log_format, quiet=quiet, kept=kept))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facesynth-"))) if no_cache else cache
        execution = Execution(
            store=ArtifactStore(root),
            progress=told,
            batch_size=batch_size or RUN_BATCH,
            workers=workers,
            force=force,
        )
        evaluation = evaluate_parser(held_out, stage, execution, name=name, settings=settings)
        told.close()
        finish(evaluation, files, as_json=as_json)
