"""`facesynth cache ls` and `show`: what the cache holds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import rich_click as click

from facesynth import store
from facesynth.cli.options import cache_option
from facesynth.cli.quantities import spelled_size
from facesynth.core.errors import UsageError
from facesynth.store.entries import stage_names


@click.command("ls")
@click.argument("stage", required=False)
@cache_option
def list_entries(stage: str | None, cache: Path) -> None:
    """List the stages and what they keep, or every entry of STAGE: key, size, last use.

    \b
    Example: facesynth cache ls
    Example: facesynth cache ls segment
    """
    if stage is None:
        click.echo(f"{'STAGE':<14} {'ENTRIES':>9} {'REJECTED':>9} {'DAMAGED':>9} {'SIZE':>9}")
        for use in store.summarize(cache):
            size = spelled_size(use.size)
            click.echo(f"{use.stage:<14} {use.entries:>9} {use.rejected:>9} {use.damaged:>9} {size:>9}")
        return
    _require_stage(stage, cache)
    for entry in store.list_entries(cache, stage):
        if isinstance(entry, store.Damage):
            click.echo(f"{entry.folder.name}  {'damaged':>9}  {entry.reason}")
        else:
            used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
            click.echo(f"{entry.key}  {spelled_size(entry.size):>9}  {used}  {entry.rejected or ''}".rstrip())


@click.command("show")
@click.argument("key")
@cache_option
def show(key: str, cache: Path) -> None:
    """Show where the entry lies whose KEY starts so, and its manifest: recipe, files, when and where it was made.

    \b
    Example: facesynth cache show 3f2a
    """
    entry = store.find(cache, key)
    click.echo(entry.folder)
    click.echo(json.dumps(entry.manifest(), indent=2))


def _require_stage(stage: str, cache: Path) -> None:
    """Raise UsageError for a stage that neither facesynth has nor the cache holds."""
    from facesynth.jobs.estimate import TYPICAL_BYTES

    names = sorted({*TYPICAL_BYTES, *stage_names(cache)})
    if stage not in names:
        raise UsageError("no such stage", where=stage, hint=f"use one of: {', '.join(names)}")
