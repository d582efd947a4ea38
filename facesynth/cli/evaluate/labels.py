"""`facesynth evaluate labels`: how well label maps that lie there already agree with the true ones."""

from __future__ import annotations

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

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("labels")
@click.option("--truth", type=_FOLDER, required=True, metavar="DIR", help="The true label maps.")
@click.option("--predicted", type=_FOLDER, required=True, metavar="DIR", help="Those to score, of the same names.")
@click.option("--split", type=click.Path(dir_okay=False, path_type=Path), help="A split file: score one side alone.")
@side_option
@options.schema_option("The order of ids in predicted maps that do not say theirs:")
@truth_schema_option
@output_option
@json_option
@options.workers_option
@options.log_format_option
@options.quiet_option
def labels(
    truth: Path,
    predicted: Path,
    split: Path | None,
    side: Any,
    schema: str | None,
    truth_schema: str | None,
    output: Path | None,
    as_json: bool,
    workers: int,
    log_format: str,
    quiet: bool,
) -> None:
    """Compare label maps, such as another tool's, with the true ones of the same names.

    The scores and files are those of `evaluate parser`.

    \b
    Example: facesynth evaluate labels --truth pairs/labels --predicted theirs --schema zllrunning -o scores
    """
    from facesynth.cli.evaluate.table import table
    from facesynth.cli.evaluate.telling import finish, told_of
    from facesynth.evaluation.segmentation.label_folders import open_label_folders
    from facesynth.jobs.evaluate.files import EvaluationFiles, map_contents
    from facesynth.jobs.evaluate.labels import evaluate_labels

    pairs = open_label_folders(truth, predicted, split=split, side=side)
    files = None
    if output is not None:
        read = [file for pair in pairs for file in (pair.truth, pair.predicted) if file is not None]
        files = EvaluationFiles.into(output, [truth, predicted], [*read, *([split] if split else [])])
    settings = {
        "truth": str(truth),
        "predicted": str(predicted),
        "split": None if split is None else str(split),
        "side": pairs.side,
        "schema": schema,
        "truth_schema": truth_schema,
    }
    with told_of(log_format, quiet=quiet, kept="nothing is kept") as told:
        evaluation = evaluate_labels(
            pairs, schema=schema, truth_schema=truth_schema, progress=told, workers=workers, settings=settings
        )
        told.close()
        finish(map_contents(evaluation), table(evaluation), files, exit_code=evaluation.exit_code, as_json=as_json)
