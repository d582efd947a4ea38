"""How an evaluation ends for the user: its table or JSON, its files, its exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import rich_click as click

from facesynth.cli.progress import Console, console
from facesynth.cli.work import INTERRUPTED

if TYPE_CHECKING:
    from facesynth.evaluation.segmentation.evaluation import Evaluation
    from facesynth.jobs.evaluate.files import EvaluationFiles


@contextlib.contextmanager
def told_of(log_format: str, *, quiet: bool, kept: str) -> Iterator[Console]:
    """The console for an evaluation; interrupted, it says what is `kept` and leaves."""
    with console(log_format, quiet=quiet) as told:
        try:
            yield told
        except KeyboardInterrupt:
            told.close()
            told.note(f"interrupted; {kept}")
            raise SystemExit(INTERRUPTED) from None


def finish(evaluation: Evaluation, files: EvaluationFiles | None, *, as_json: bool) -> NoReturn:
    """Write the files, print the rest, and leave with the exit code."""
    from facesynth.cli.evaluate.table import table
    from facesynth.evaluation.segmentation.document import evaluation_json

    if files is not None:
        files.write(evaluation)
    click.echo(evaluation_json(evaluation).rstrip() if as_json else "\n".join(table(evaluation)))
    if files is not None and not as_json:
        click.echo(f"\n{Path(files.folder) / 'report.html'}")
    raise SystemExit(evaluation.exit_code)
