"""What all commands of `facesynth dataset import` share: their options, the run, and what is told of it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from facesynth.cli.one_line import one_line
from facesynth.cli.options import log_format_option, quiet_option
from facesynth.cli.progress import Console, console
from facesynth.cli.work import INTERRUPTED

if TYPE_CHECKING:
    from facesynth.datasets.importing.engine import Imported
    from facesynth.datasets.importing.layout import Layout
    from facesynth.datasets.importing.ledger import Problem

_SHOWN = 3
"""Lines for notes, for kinds of failures, and for kinds of warnings; the report has them all."""

_folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_import_options = (
    click.option(
        "--output",
        "-o",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where the manifest and what is made go (default: the dataset's own folder).",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=lambda: max(2, min(8, os.cpu_count() or 2)),
        show_default="one a core, 2 to 8",
        help="Threads that read, decode and write.",
    ),
    click.option("--force", is_flag=True, help="Read and make every face anew, also those that seem unchanged."),
    log_format_option,
    quiet_option,
)


def importing(command: Callable[..., Layout]) -> Callable[..., None]:
    """Make a command that returns a layout into one that imports it, with the options of all imports."""

    @functools.wraps(command)
    def imported(
        *, folder: Path, output: Path | None, workers: int, force: bool, log_format: str, quiet: bool, **options: Any
    ) -> None:
        from facesynth.datasets.importing.engine import import_dataset

        layout = command(folder, **options)
        with console(log_format, quiet=quiet) as told:
            told.begin(len(layout), layout.about.name)
            try:
                done = import_dataset(
                    layout,
                    output or folder,
                    source=folder,
                    workers=workers,
                    force=force,
                    on_item=lambda name, outcome: told.advance(),
                )
            except KeyboardInterrupt:
                told.close()
                without = " without --force" if force else ""
                told.note(
                    f"interrupted: what is finished is kept, run the same command again{without} to go on",
                    event="interrupted",
                    level="warning",
                )
                raise SystemExit(INTERRUPTED) from None
            told.close()
            _tell(done, told)
        click.echo(done.manifest)
        raise SystemExit(done.exit_code)

    for option in reversed((_folder_argument, *_import_options)):
        imported = option(imported)
    return imported


def _tell(done: Imported, told: Console) -> None:
    """Say in a few lines what went in, what did not, and what is odd."""
    for line in _listed("note", done.notes):
        told.note(line)
    for line in _listed("failed", [_spelled(problem) for problem in done.failures]):
        told.note(line, event="problem", level="warning")
    for line in _listed("warning", [_spelled(problem) for problem in done.warnings]):
        told.note(line, event="warning", level="warning")
    told.note(
        f"{done.count} faces ({done.count - done.kept} made, {done.kept} known), {done.failed} failed,"
        f" {done.warned} warnings: {done.report}",
        event="finished",
        report=str(done.report),
    )


def _listed(what: str, lines: Sequence[str]) -> Iterator[str]:
    shown = len(lines) if len(lines) <= _SHOWN else _SHOWN - 1
    for line in lines[:shown]:
        yield f"{what}: {one_line(line)}"
    if len(lines) > shown:
        yield f"{what}: … and more of other kinds, all of them in the report"


def _spelled(problem: Problem) -> str:
    """`no image: 3 (12, 13, 14)`."""
    if problem.count == 1:
        return f"{problem.file or problem.names[0]}: {problem.what}"
    more = ", …" if problem.count > len(problem.names) else ""
    return f"{problem.what}: {problem.count} faces ({', '.join(problem.names)}{more})"
