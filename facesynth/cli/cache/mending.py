"""`facesynth cache verify` and `gc`: whether the cache is intact, and making room in it."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth import store
from facesynth.cli.options import cache_option
from facesynth.cli.quantities import parse_age, parse_size, spelled_size
from facesynth.core.errors import CacheError


@click.command("verify")
@click.option("--remove", is_flag=True, help="Delete the damaged entries; the next run makes them anew.")
@cache_option
def verify(remove: bool, cache: Path) -> None:
    """Hash every file of the cache again and name the entries that are not what they say.

    \b
    Example: facesynth cache verify --remove
    """
    intact = damaged = 0
    for found in store.verify(cache, remove=remove):
        if isinstance(found, store.Damage):
            damaged += 1
            click.echo(f"{found.folder}: {found.reason}")
        else:
            intact += 1
    click.echo(f"{intact} intact, {damaged} damaged{' and removed' if damaged and remove else ''}")
    if damaged and not remove:
        raise CacheError(f"{damaged} damaged", where=cache, hint="run: facesynth cache verify --remove")


@click.command("gc")
@click.option("--keep-last", type=click.IntRange(min=0), default=3, show_default=True, help="Recent runs to keep for.")
@click.option("--max-size", type=parse_size, metavar="SIZE", help="Stop once the cache is this small, e.g. 50G.")
@click.option("--older-than", type=parse_age, metavar="AGE", help="Only what was not used for so long, e.g. 30d.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@cache_option
def gc(keep_last: int, max_size: int | None, older_than: float | None, dry_run: bool, cache: Path) -> None:
    """Remove entries that none of the last runs used, least recently used first; what the last hour used stays.

    \b
    Example: facesynth cache gc --max-size 50G --dry-run
    Example: facesynth cache gc --keep-last 1 --older-than 30d
    """
    done = store.collect(cache, keep_last=keep_last, max_size=max_size, older_than=older_than, dry_run=dry_run)
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {done.removed} entries ({spelled_size(done.freed)}), {done.leftovers} leftovers of killed runs")
    click.echo(f"{'would keep' if dry_run else 'kept'} {done.kept} entries ({spelled_size(done.kept_size)})")
