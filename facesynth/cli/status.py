"""`facesynth status`: how training runs and jobs are getting on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from facesynth.jobs.status.gpus import Gpu
    from facesynth.jobs.status.overview import Found


@click.command("status")
@click.argument("run", required=False, metavar="[RUN]")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs",
    show_default=True,
    help="Where training runs lie.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object; with --follow one a line.")
@click.option("--follow", is_flag=True, help="Tell again whenever there is news, until nothing runs any more.")
@click.option("--interval", type=click.FloatRange(0.05), default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--tensorboard", is_flag=True, help="Show curves and samples in the browser, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True, help="Of TensorBoard.")
def status(
    run: str | None, runs: Path, as_json: bool, follow: bool, interval: float, tensorboard: bool, port: int
) -> None:
    """Tell how RUN is getting on: a run's name, its folder, or the output folder of a job; without RUN all in runs/.

    It reads what they have written and changes nothing, so it may look while they work, from any machine that sees the
    folder. A training run's rate and time left are of the training itself: validations come on top.

    \b
    Example: facesynth status
    Example: facesynth status spade-128 --follow
    Example: facesynth status pairs --follow
    Example: facesynth status --tensorboard
    """
    from facesynth.jobs.status.overview import is_at_work, look_at, look_at_all, news_of

    if tensorboard:
        if as_json or follow:
            raise click.UsageError("--tensorboard shows a page: give it without --json and --follow")
        _show_board(run, runs, port)
        return
    before: list[object] | None = None
    while True:
        found = look_at_all(runs) if run is None else [(run, look_at(run, runs))]
        at_work = any(is_at_work(one) for _, one in found)
        news = [news_of(one) for _, one in found]
        if news != before:
            shortly = run is None or (before is not None and at_work)
            click.echo(_as_json(found, many=run is None, follow=follow) if as_json else _in_words(found, shortly))
        if not follow or not at_work:
            return
        before = news
        time.sleep(interval)


def _in_words(found: Sequence[tuple[str, Found]], shortly: bool) -> str:
    from facesynth.cli.status_text import told, told_of_gpus, told_shortly

    lines = [told_shortly(name, one) if shortly else told(one) for name, one in found]
    return "\n".join([*lines, *told_of_gpus(_gpus(found))] or ["no runs"])


def _as_json(found: Sequence[tuple[str, Found]], *, many: bool, follow: bool) -> str:
    from facesynth.cli.status_text import as_json, gpus_as_json

    each = [as_json(name, one) for name, one in found]
    document = {"gpus": gpus_as_json(_gpus(found)), **({"runs": each} if many else each[0])}
    return json.dumps(document, indent=None if follow else 1, allow_nan=False)


def _gpus(found: Sequence[tuple[str, Found]]) -> tuple[Gpu, ...]:
    """This machine's, where something is at work on it."""
    from facesynth.jobs.status.gpus import gpus
    from facesynth.jobs.status.overview import is_at_work

    return gpus() if any(is_at_work(one) for _, one in found) else ()


def _show_board(run: str | None, runs: Path, port: int) -> None:
    from facesynth.jobs.status.board import board
    from facesynth.jobs.status.overview import folder_of

    folder = runs if run is None else folder_of(run, runs)
    click.echo(f"TensorBoard is at {board(folder, port)}; Ctrl-C ends it")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
