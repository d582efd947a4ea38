"""`facesynth evaluate parser`: how well a parser does on faces whose true label maps are known."""

from __future__ import annotations

import contextlib
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
)
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.temporary_cache import temporary_cache
from facesynth.cli.work import handed


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
@options.parser_schema_option
@options.parser_input_option
@truth_schema_option
@output_option
@json_option
@options.device_option
@options.precision_option
@options.engine_option
@options.batch_size_option
@options.workers_option
@options.cache_option
@options.no_cache_option
@options.force_option
@options.log_format_option
@options.quiet_option
def parser(
    data: Path,
    split: str | None,
    side: Any,
    parser: str | None,
    schema: str | None,
    parser_input: tuple[str, ...],
    truth_schema: str | None,
    output: Path | None,
    as_json: bool,
    device: str,
    precision: str,
    engine: str,
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

    A parser of another project is run from its ONNX export:

    facesynth evaluate parser --data pairs --parser bisenet.onnx --schema zllrunning --parser-input size=512
    """
    from facesynth import weights
    from facesynth.cli.evaluate.table import table
    from facesynth.cli.evaluate.telling import finish, told_of
    from facesynth.evaluation.held_out import open_held_out
    from facesynth.inference.foreign.declaration import InputDeclaration
    from facesynth.inference.foreign.header import is_foreign, refuse_engine
    from facesynth.jobs.evaluate.files import EvaluationFiles, map_contents
    from facesynth.jobs.evaluate.parser import evaluate_parser
    from facesynth.jobs.execution import Execution
    from facesynth.stages.segment import SegmentStage
    from facesynth.store import ArtifactStore

    options.refuse_two_caches(no_cache=no_cache)
    if schema is not None and not is_foreign(parser):
        raise click.UsageError(
            "--schema is the order of a foreign parser's classes, FILE.onnx; that of true label maps is --truth-schema"
        )
    if parser is not None and is_foreign(parser):
        refuse_engine(engine, parser)
    name = parser or weights.default_name("parser")
    stage = SegmentStage(
        parser=parser,
        precision=precision,
        device=device,
        batch_size=batch_size,
        engine=engine,
        schema=schema,
        declared=InputDeclaration.parse(parser_input),
    )
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
        "schema": schema,
        "parser_input": list(parser_input),
        "truth_schema": truth_schema,
        "precision": precision,
        "engine": engine,
        "device": device,
        "batch_size": batch_size,
    }
    kept = "nothing is kept" if no_cache else "what is parsed is kept, run the same command again to go on"
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(told_of(log_format, quiet=quiet, kept=kept))
        root = stack.enter_context(temporary_cache()) if no_cache else cache
        execution = Execution(
            store=ArtifactStore(root),
            progress=told,
            batch_size=handed(batch_size),
            workers=workers,
            force=force,
            on_weights=lambda digests: tell_licences(digests, told.note, cache, keep=not no_cache),
        )
        evaluation = evaluate_parser(held_out, stage, execution, name=name, settings=settings)
        told.close()
        finish(map_contents(evaluation), table(evaluation), files, exit_code=evaluation.exit_code, as_json=as_json)
