"""How an evaluation ends for the user: its table or JSON, its files, its exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

import rich_click as click

from facesynth.cli.progress import Console, console
from facesynth.cli.work import INTERRUPTED

if TYPE_CHECKING:
    from facesynth.jobs.evaluate.files import Contents, EvaluationFiles


@contextlib.contextmanager
def told_of(log_format: str, *, quiet: bool, kept: str) -> Iterator[Console]:
    """The console for an evaluation; interrupted, it says what is `kept` and leaves."""
    with console(log_format, quiet=quiet) as told:
        try:
            yield told
        except KeyboardInterrupt:
            told.close()
            told.note(f"interrupted; {kept}", event="interrupted", level="warning")
            raise SystemExit(INTERRUPTED) from None


def finish(
    contents: Contents, table: Iterable[str], files: EvaluationFiles | None, *, exit_code: int, as_json: bool
) -> NoReturn:
    """Write the files, print the table, or the document as it is in its file, and leave with the exit code."""
    from facesynth.jobs.evaluate.files import DOCUMENT, REPORT

    if files is not None:
        files.write(contents)
    click.echo(contents[DOCUMENT]().decode().rstrip() if as_json else "\n".join(table))
    if files is not None and not as_json:
        click.echo(f"\n{files.folder / REPORT}")
    raise SystemExit(exit_code)
