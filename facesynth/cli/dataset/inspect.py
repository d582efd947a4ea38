"""`facesynth dataset inspect`: what is in a dataset, what is wrong with it, what is in it twice."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from facesynth.cli.options import log_format_option, quiet_option, schema_option


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--split", metavar="FILE|NAME", help="Look at this split alone: a split file, or one the dataset names.")
@schema_option("Order of the ids in a folder's label maps that do not say it themselves:")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write everything as JSON; - is stdout, in place of the table.",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page with pictures.",
)
@click.option("--no-duplicates", is_flag=True, help="Do not look for faces that are there twice.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=lambda: max(2, min(8, os.cpu_count() or 2)),
    show_default="one a core, 2 to 8",
    help="Threads that read and check.",
)
@log_format_option
@quiet_option
def inspect(
    target: Path,
    split: str | None,
    schema: str | None,
    json_file: Path | None,
    html_file: Path | None,
    no_duplicates: bool,
    workers: int,
    log_format: str,
    quiet: bool,
) -> None:
    """Look at TARGET, a dataset.jsonl (or its folder), a folder with images/ and labels/, or a folder of photos.

    Every file is read once: counts, sizes, classes; files that are damaged, wrong or without a partner; label maps
    whose left and right are swapped; faces that are there twice, scaled, encoded anew or mirrored, and above all those
    on several sides of a split. Exit code 3 when files are wrong.

    \b
    Example: facesynth dataset inspect pairs
    Example: facesynth dataset inspect celeba/dataset.jsonl --split split.json --html report.html --json report.json
    """
    from facesynth.cli.dataset.inspect_table import table
    from facesynth.cli.progress import console
    from facesynth.datasets.inspection import document, page
    from facesynth.datasets.inspection.inspect import inspect_dataset
    from facesynth.datasets.inspection.target import open_target
    from facesynth.datasets.text_files import check_replaceable, write_text

    to_stdout = str(json_file) == "-"
    if str(html_file) == "-":
        raise click.UsageError("--html needs a file: only --json can go to stdout")
    if json_file is not None and html_file is not None and os.path.realpath(json_file) == os.path.realpath(html_file):
        raise click.UsageError("--json and --html name the same file")
    if json_file is not None and not to_stdout:
        check_replaceable(json_file, document.MARK)
    if html_file is not None:
        check_replaceable(html_file, page.MARK)
    opened = open_target(target, split=split, schema=schema)
    with console(log_format, quiet=quiet) as told:
        told.begin(len(opened), "inspect")
        found = inspect_dataset(opened, duplicates=not no_duplicates, workers=workers, on_row=told.advance)
    if json_file is not None and not to_stdout:
        write_text(json_file, document.inspection_json(found))
    if html_file is not None:
        write_text(html_file, page.inspection_page(found))
    click.echo(document.inspection_json(found).rstrip() if to_stdout else "\n".join(table(found)))
    raise SystemExit(found.exit_code)
