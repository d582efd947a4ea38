"""`facesynth train`: a network from pairs of faces and label maps, or from images alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.progress import console
from facesynth.cli.value_types import SeedRange
from facesynth.cli.work import INTERRUPTED
from facesynth.core.errors import TrainingError, UsageError

_PAIRS = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_INTERRUPTED: Mapping[str, str] = MappingProxyType({"event": "interrupted", "level": "warning"})


@click.command("train")
@click.argument("pipeline", metavar="PIPELINE.yaml")
@click.option(
    "--data", type=_PAIRS, help="What to train on: images/ with labels/, a dataset's manifest, or images alone (spn)."
)
@click.option("--init-from", "initial", metavar="NAME|FILE", help="Weights to start from, of networks built as here.")
@click.option("--runs", type=_FOLDER, default="runs", show_default=True, help="Where the run's own folder lies.")
@click.option("--arm", "arms", multiple=True, metavar="NAME", help="One of the file's arms; else all, one by one.")
@click.option("--seeds", type=SeedRange(), help="Train each once for each seed.")
@options.set_option
@options.device_option
@click.option(
    "--devices", type=click.IntRange(1), default=1, show_default=True, help="Devices that share each batch out."
)
@options.cache_option
@click.option("--dry-run", is_flag=True, help="Say what would be trained and what it takes; do nothing.")
@options.log_format_option
@options.quiet_option
def train(
    pipeline: str,
    data: Path | None,
    initial: str | None,
    runs: Path,
    arms: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    overrides: tuple[str, ...],
    device: str,
    devices: int,
    cache: Path,
    dry_run: bool,
    log_format: str,
    quiet: bool,
) -> None:
    """Train a parser or a generator, or several of a comparison; the same command again goes on where it stopped.

    One of several that cannot be trained holds the others up no longer than it takes to say so. Started by Slurm's
    srun, each task is a rank: over several machines too.

    \b
    Example: facesynth train tiny.yaml --data pairs
    Example: facesynth train spade-128.yaml --data pairs --set data.split=null --devices 2
    Example: facesynth train spn/quick-cifar --data cifar --arm sngan --arm spn --seeds 0,1
    Example: facesynth train parser-mnv2-256.yaml --data pairs --init-from parser-mnv2-256-v1 --set data.split=null
    """
    from facesynth.jobs.train import describe, prepare_all, started_by_srun
    from facesynth.jobs.train import train as job

    own = None if dry_run else started_by_srun(os.environ)
    another = own is not None and own.rank > 0  # the first one tells of the run
    ordered = prepare_all(pipeline, overrides, data=data, initial=initial, runs=runs, arms=arms, seeds=seeds or ())
    if own is not None and len(ordered) > 1:
        told_apart = "name one of them with --arm and --seeds, and give each a job"
        raise UsageError(f"srun has started ranks of one run, and these are {len(ordered)}", hint=told_apart)
    failed: list[str] = []
    for prepared in ordered:
        if dry_run:
            click.echo(describe(prepared, device=device, devices=devices))
            continue
        with console(log_format, quiet=quiet or another) as told:
            if not another:
                tell_licences(prepared.published_weights(), told.note, cache)
            how: dict[str, Any] = {"device": device, "devices": devices, "own": own}
            try:
                result = job(prepared, cache, **how, progress=told, losses=not (quiet or another))
            except KeyboardInterrupt:
                result = None
            except TrainingError as error:
                if len(ordered) == 1:
                    raise
                told.close()
                told.note(f"{prepared.config.name} is not trained: {error}", event="error", level="error")
                failed.append(prepared.config.name)
                continue
            if result is None and another:
                continue
            if result is None:
                told.close()
                if prepared.is_saved():
                    saved = f"what is saved in {prepared.folder}"
                    told.note(f"interrupted: run the same command again to go on from {saved}", **_INTERRUPTED)
                else:
                    told.note("interrupted: nothing is saved yet, the same command again begins anew", **_INTERRUPTED)
                raise SystemExit(INTERRUPTED)
        click.echo(result)
    if failed:
        what = f"{len(failed)} of {len(ordered)} runs are not trained: {', '.join(failed)}"
        raise TrainingError(what, where=runs, hint="what kept each of them is told above")
