"""`facesynth dataset inspect`: what is in a dataset, what is wrong with it, what is in it twice."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from facesynth.cli.options import quiet_option


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--split", metavar="FILE|NAME", help="Look at this split alone: a split file, or one the dataset names.")
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
@quiet_option
def inspect(
    target: Path,
    split: str | None,
    json_file: Path | None,
    html_file: Path | None,
    no_duplicates: bool,
    workers: int,
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
    from facesynth.datasets.inspection.document import inspection_json
    from facesynth.datasets.inspection.inspect import inspect_dataset
    from facesynth.datasets.inspection.page import inspection_page
    from facesynth.datasets.inspection.target import open_target
    from facesynth.datasets.text_files import check_writable, write_text

    to_stdout = str(json_file) == "-"
    for file in (json_file, html_file):
        if file is not None and str(file) != "-":
            check_writable(file)
    opened = open_target(target, split=split)
    with console("text", quiet=quiet) as told:
        told.begin(len(opened), "inspect")
        found = inspect_dataset(opened, duplicates=not no_duplicates, workers=workers, on_row=told.advance)
    if json_file is not None and not to_stdout:
        write_text(json_file, inspection_json(found))
    if html_file is not None:
        write_text(html_file, inspection_page(found))
    click.echo(inspection_json(found).rstrip() if to_stdout else "\n".join(table(found)))
    raise SystemExit(found.exit_code)
