"""`facesynth status`: how training runs and jobs are getting on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import rich_click as click


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
    folder. Rates and times left are of the training itself: validations come on top.

    \b
    Example: facesynth status
    Example: facesynth status spade-128 --follow
    Example: facesynth status --tensorboard
    """
    from facesynth.cli import status_text as text
    from facesynth.jobs.status.gpus import gpus
    from facesynth.jobs.status.overview import look_at, look_at_all
    from facesynth.jobs.status.training_run import RunStatus

    if tensorboard:
        if as_json or follow:
            raise click.UsageError("--tensorboard shows a page: give it without --json and --follow")
        _show_board(run, runs, port)
        return
    before: Any = None
    while True:
        found = look_at_all(runs) if run is None else [(run, look_at(run, runs))]
        running = [one for _, one in found if isinstance(one, RunStatus) and one.state == "running"]
        busy = gpus() if any(one.process and one.process.here for one in running) else ()
        news = [(one.state, one.images, one.scores_at) if isinstance(one, RunStatus) else str(one) for _, one in found]
        if as_json:
            each = [{"name": name, **text.as_json(one)} for name, one in found]
            told = {"gpus": text.gpus_as_json(busy), **({"runs": each} if run is None else each[0])}
            lines = [text.json_line(told, indent=None if follow else 1)]
        elif run is None or (before is not None and running):
            lines = [text.told_shortly(one) for _, one in found]
        else:
            lines = [text.told(one) for _, one in found]
        if news != before:
            click.echo("\n".join([*lines, *(() if as_json else text.told_of_gpus(busy))] or ["no runs"]))
        if not follow or not running:
            return
        before = news
        time.sleep(interval)


def _show_board(run: str | None, runs: Path, port: int) -> None:
    from facesynth.jobs.status.board import board

    inside = runs if run is None else runs / run
    folder = Path(run) if run is not None and not inside.is_dir() else inside
    click.echo(f"TensorBoard is at {board(folder, port)}; Ctrl-C ends it")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
