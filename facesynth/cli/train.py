"""`facesynth train`: a network from pairs of faces and label maps."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import device_option, log_format_option, quiet_option, set_option
from facesynth.cli.progress import console


@click.command("train")
@click.argument("pipeline", metavar="PIPELINE.yaml")
@click.option(
    "--data", type=click.Path(file_okay=False, exists=True, path_type=Path), help="A folder with images/ and labels/."
)
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs",
    show_default=True,
    help="Where the run's folder lies: checkpoints, statistics, samples, and the weights in the end.",
)
@set_option
@device_option
@click.option("--dry-run", is_flag=True, help="Say what would be trained; do nothing.")
@log_format_option
@quiet_option
def train(
    pipeline: str,
    data: Path | None,
    runs: Path,
    overrides: tuple[str, ...],
    device: str,
    dry_run: bool,
    log_format: str,
    quiet: bool,
) -> None:
    """Train a parser or a generator; the same command again goes on where it stopped.

    \b
    Example: facesynth train tiny.yaml --data pairs
    Example: facesynth train parser-mnv2-256.yaml --data pairs --set batch_size=16 --device cuda
    """
    from facesynth.jobs.train import describe, prepare
    from facesynth.jobs.train import train as job

    prepared = prepare(pipeline, overrides, data)
    if dry_run:
        click.echo(describe(prepared, runs))
        return
    with console(log_format, quiet=quiet) as told:
        result = job(prepared, runs, device=device, progress=told)
        told.close()
    if result is None:
        click.echo(f"interrupted: the run is saved in {runs}; run the same command again to go on", err=True)
        raise SystemExit(130)
    click.echo(result)
